"""Track payment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from crm.models import Event, Item
from documents.models import Payment


@trigger_types.register
class InvoicePaid(TriggerType):
    key = "invoice_paid"
    label = _("Invoice paid")
    synonyms = _("payment, money received")
    example = _("Half is paid: to “Produce”.")
    group = "documents"
    icon = "coin"
    help = _("A payment of the card's invoice is booked: by hand, from a bank statement or by a provider.")
    events = ("invoice.paid",)

    class Settings(SettingsForm):
        partly = forms.BooleanField(label=_("a part is enough"), required=False)
        method = forms.ChoiceField(
            label=_("paid by"), required=False, choices=[("", _("any way")), *Payment.Method.choices]
        )

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if settings["method"] and settings["method"] != event.data("method"):
            return False
        return bool(settings["partly"] or event.data("full"))

    def summary(self, settings: dict[str, Any]) -> str:
        return _now("in full or in part") if settings.get("partly") else _now("in full")
