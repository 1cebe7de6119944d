"""The receipt of an erasure: when, by whom, of how many rows, and marks that nobody can read."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.people.models import User


class ErasureReceipt(models.Model):
    contact_id = models.PositiveBigIntegerField(_("number of the contact"))
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by"))
    why = models.CharField(_("how it was asked for"), max_length=300, blank=True)
    counts = models.JSONField(_("what was erased"), default=dict)
    marks = models.JSONField(_("marks"), default=dict, editable=False)
    created_at = models.DateTimeField(_("erased at"), default=clock.now)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("receipt of an erasure")
        verbose_name_plural = _("receipts of erasures")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
