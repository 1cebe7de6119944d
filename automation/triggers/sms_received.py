"""Track incoming SMS."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.fields import ChannelChoice
from crm.ground.folding import fold
from crm.models import Event, Item

HOW = [
    ("exact", _("exactly these words: case, accents, order")),
    ("folded", _("whatever their case and accents")),
]


@trigger_types.register
class SmsReceived(TriggerType):
    key = "sms_received"
    label = _("SMS received")
    synonyms = _("text message, reply")
    example = _("“YES” by SMS confirms the appointment.")
    group = "customer"
    icon = "device-mobile"
    help = _("The customer sends an SMS; one that only says STOP or START does not count.")
    events = ("sms.received",)

    class Settings(SettingsForm):
        text = forms.CharField(label=_("contains"), required=False, max_length=200, help_text=_("Empty: any text."))
        how = forms.ChoiceField(label=_("compared"), choices=HOW, required=False, initial="exact")
        channel = ChannelChoice("sms", label=_("through"), empty_label=_("any channel"))

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if event.data("wish") or (settings["channel"] and settings["channel"].pk != event.data("channel")):
            return False
        text, wanted = event.data("text"), settings["text"]
        if settings["how"] == "folded":
            return fold(wanted) in fold(text)
        # One spelling of accents: phones send "é" as one sign or as two.
        return normalize("NFC", wanted) in normalize("NFC", text)

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("text") or _now("any text"))
