"""Missed call."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import TriggerType, trigger_types
from crm.models import Event, Item


@trigger_types.register
class CallMissed(TriggerType):
    key = "call_missed"
    label = _("Missed call")
    group = "customer"
    icon = "phone"
    help = _("Nobody answered in time, or the caller hung up.")
    events = ("call.missed",)

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return bool(event.data("direction") == "in")
