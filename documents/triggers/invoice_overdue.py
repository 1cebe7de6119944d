"""Invoice overdue."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from automation.base import SettingsForm, TriggerType, trigger_types
from crm.models import Event, Item


@trigger_types.register
class InvoiceOverdue(TriggerType):
    key = "invoice_overdue"
    label = _("Invoice overdue")
    group = "documents"
    icon = "clock"
    help = _("The card's invoice has not been paid in full so many days after its last day.")
    events = ("invoice.overdue",)

    class Settings(SettingsForm):
        days = forms.IntegerField(label=_("days after the last day"), min_value=1, max_value=365, initial=1)

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return bool(settings["days"] == event.data("days"))

    def summary(self, settings: dict[str, Any]) -> str:
        days = settings.get("days") or 1
        return ngettext("%d day late", "%d days late", days) % days
