"""What trigger types of calls have in common: our number that was called."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType
from crm.ground import phones
from crm.models import Event, Item


class NumberField(forms.CharField):
    """A phone number as it is kept (E.164)."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        return str(phones.parse(text)) if text else ""


class OfCall(TriggerType):
    group = "customer"
    icon = "phone"

    class Settings(SettingsForm):
        own_number = NumberField(
            label=_("our number"),
            required=False,
            max_length=40,
            help_text=_("Empty: any. A call that was logged without our number matches any only."),
        )

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if event.data("direction") != "in":
            return False
        return not settings["own_number"] or settings["own_number"] == event.data("own_number")

    def summary(self, settings: dict[str, Any]) -> str:
        return phones.display(settings["own_number"]) if settings.get("own_number") else str(_("any number"))
