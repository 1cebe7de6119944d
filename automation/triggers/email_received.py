"""Track incoming e-mail."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.fields import ChannelChoice
from crm.models import Event, Item


@trigger_types.register
class EmailReceived(TriggerType):
    key = "email_received"
    label = _("E-mail received")
    synonyms = _("answer, reply, incoming mail")
    example = _("They answered: to “Talking”.")
    group = "customer"
    icon = "mail-opened"
    help = _("The customer writes a mail that belongs to this card; automatic answers and colleagues do not count.")
    events = ("email.received",)

    class Settings(SettingsForm):
        channel = ChannelChoice("email", label=_("through"), empty_label=_("any channel"))

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if event.data("automatic") or event.data("colleague"):
            return False
        through = event.data("channels") or [event.data("channel")]
        return not settings["channel"] or settings["channel"].pk in through

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("channel") or _now("any channel"))
