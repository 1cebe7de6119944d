"""Track link click."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from crm.models import Event, Item


@trigger_types.register
class EmailLinkClicked(TriggerType):
    key = "email_link_clicked"
    label = _("Link in a mail followed")
    synonyms = _("click, tracking")
    example = _("The link to the price list was followed: to “Interested”.")
    group = "customer"
    icon = "link"
    help = _("The customer follows one certain link of a mail; several links need several triggers.")
    events = ("email.clicked",)

    class Settings(SettingsForm):
        link = forms.URLField(label=_("link"), max_length=500, assume_scheme="https")

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return bool(event.data("url").rstrip("/") == settings["link"].rstrip("/"))

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("link") or "")
