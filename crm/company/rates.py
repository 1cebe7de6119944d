"""Rates between currencies, kept by the administrator."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from django.apps import apps
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.company.models import OwnCompany
from crm.ground.columns.decimals import RateField
from crm.ground.decimals import EXACT, MONEY, Unreadable
from crm.ground.refused import Refused
from crm.ground.sentences import first_of, said

RATES = "rates"


class CurrencyRate(models.Model):
    currency = models.CharField(_("currency"), max_length=3, unique=True)
    rate = RateField(
        _("rate"),
        validators=[MinValueValidator(Decimal("0.00000001"))],
        help_text=_("One unit of it in the own company's currency."),
    )

    class Meta:
        ordering = ["currency"]
        verbose_name = _("currency rate")
        verbose_name_plural = _("currency rates")

    def __str__(self) -> str:
        return f"{self.currency} {self.rate}"

    def clean(self) -> None:
        """Raises ValidationError where some card's amount would be too large in the company's own currency."""
        if self.rate is None:
            return  # its own field has said so
        items: Any = apps.get_model("crm", "Item").objects  # which asks this module for its base amount
        worth = items.filter(currency=self.currency, amount__isnull=False)
        for largest in (worth.order_by("-amount").first(), worth.order_by("amount").first()):
            if largest is None or largest.amount is None or isinstance(largest.amount, Unreadable):
                continue
            if not MONEY.holds(converted(largest.amount, Decimal(self.rate))):
                words = {"title": largest.title, "amount": largest.amount, "currency": largest.currency}
                told = _("At this rate the %(amount)s %(currency)s of “%(title)s” would be too large an amount.")
                raise ValidationError({"rate": told % words})

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.clean()
        super().save(*args, **kwargs)
        caches["near"].delete(RATES)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        deleted = super().delete(*args, **kwargs)
        caches["near"].delete(RATES)
        return deleted


def rate_to_base(currency: str) -> Decimal | None:
    """What one unit is worth in the base currency; None if nobody said. A process reads the rates once in ten seconds."""
    known: tuple[str | None, dict[str, Decimal]] | None = caches["near"].get(RATES)
    if known is None:
        own = OwnCompany.objects.order_by("pk").values_list("currency", flat=True).first()
        known = (own, dict(CurrencyRate.objects.values_list("currency", "rate")))
        caches["near"].set(RATES, known, 10)
    own, rates = known
    return Decimal(1) if own is None or own == currency else rates.get(currency)


def base_amount(amount: Decimal | None, currency: str) -> Decimal | None:
    """The amount in the own company's currency by the administrator's rates; None where there is no rate.

    Raises Refused for an amount that no column could hold, in its own or in that currency.
    """
    if amount is None:
        return None
    amount = Decimal(amount)
    try:
        MONEY.check(amount)
    except ValidationError as error:
        raise Refused(first_of(error)) from error
    rate = rate_to_base(currency)
    if rate is None:
        return None
    found = converted(amount, rate)
    if not MONEY.holds(found):
        words = {"amount": amount, "currency": currency}
        raise Refused(
            said("amount.too_large", "%(amount)s %(currency)s is too large an amount in the company's own currency.")
            % words
        )
    return found


def converted(amount: Decimal, rate: Decimal) -> Decimal:
    """An amount at a rate, to the cent."""
    with localcontext(EXACT):
        return (amount * rate).quantize(Decimal("0.01"))
