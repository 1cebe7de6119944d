"""QR code scanned."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from crm.ground.folding import fold
from crm.models import Event, Item


@trigger_types.register
class QrScanned(TriggerType):
    key = "qr_scanned"
    label = _("QR code scanned")
    synonyms = _("code, scan")
    example = _("The code on the parcel was read: to “Received”.")
    group = "documents"
    icon = "qrcode"
    help = _("Somebody opens the page behind a code of this card; colleagues and previews do not count.")
    events = ("qr.scanned",)

    class Settings(SettingsForm):
        name = forms.CharField(label=_("name of the code"), required=False, max_length=80, help_text=_("Empty: any."))

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return not settings["name"] or fold(settings["name"]) == fold(event.data("name"))

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("name") or _now("any code"))
