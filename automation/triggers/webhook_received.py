"""Incoming webhook."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from crm.models import Event, InboundHook, Item
from crm.webhooks.models import dig


@trigger_types.register
class WebhookReceived(TriggerType):
    key = "webhook_received"
    label = _("Incoming webhook")
    synonyms = _("HTTP, API, other program")
    example = _("The warehouse reports “sent”: to “Delivery”.")
    group = "connect"
    icon = "webhook"
    help = _("A program of yours calls an address of ours with the item's id.")
    events = ("webhook.received",)

    class Settings(SettingsForm):
        hook = forms.ModelChoiceField(
            InboundHook.objects.all(), label=_("address"), required=False, empty_label=_("any")
        )
        path = forms.CharField(
            label=_("only if this place in the JSON"),
            required=False,
            max_length=100,
            help_text=_("Such as data.status"),
        )
        value = forms.CharField(label=_("is"), required=False, max_length=200)

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if settings["hook"] is not None and settings["hook"].pk != event.data("hook"):
            return False
        if not settings["path"]:
            return True
        found = dig(event.data("body"), settings["path"])
        words = {True: "true", False: "false", None: ""}
        text = words[found] if found is None or isinstance(found, bool) else str(found)
        return text == settings["value"]

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("hook") or "")
