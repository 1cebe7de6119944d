"""Incoming call."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import TriggerType, trigger_types
from crm.models import Event, Item


@trigger_types.register
class CallIncoming(TriggerType):
    key = "call_incoming"
    label = _("Incoming call")
    group = "customer"
    icon = "phone"
    help = _("After the call from the customer has ended, answered.")
    events = ("call.answered",)

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return bool(event.data("direction") == "in")
