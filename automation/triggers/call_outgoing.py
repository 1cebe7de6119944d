"""Outgoing call."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import TriggerType, trigger_types
from crm.models import Event, Item


@trigger_types.register
class CallOutgoing(TriggerType):
    key = "call_outgoing"
    label = _("Outgoing call")
    synonyms = _("phone, we call")
    example = _("We have reached them: to “Talking”.")
    group = "customer"
    icon = "phone"
    help = _("A colleague calls the customer.")
    events = ("call.answered", "call.missed")

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return bool(event.data("direction") == "out")
