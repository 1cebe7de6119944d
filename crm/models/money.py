"""Rates between currencies, kept by the administrator."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.org import OwnCompany


class CurrencyRate(models.Model):
    currency = models.CharField(_("currency"), max_length=3, unique=True)
    rate = models.DecimalField(
        _("rate"), max_digits=18, decimal_places=8, help_text=_("One unit of it in the own company's currency.")
    )

    class Meta:
        ordering = ["currency"]
        verbose_name = _("currency rate")
        verbose_name_plural = _("currency rates")

    def __str__(self) -> str:
        return f"{self.currency} {self.rate}"


def rate_to_base(currency: str) -> Decimal | None:
    """What one unit is worth in the base currency; None if nobody said."""
    own = OwnCompany.objects.order_by("pk").values_list("currency", flat=True).first()
    if own is None or own == currency:
        return Decimal(1)
    return CurrencyRate.objects.filter(currency=currency).values_list("rate", flat=True).first()
