"""Incoming call."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from automation.base import trigger_types
from automation.triggers.of_call import OfCall


@trigger_types.register
class CallIncoming(OfCall):
    key = "call_incoming"
    label = _("Incoming call")
    synonyms = _("phone, rings, customer calls")
    example = _("They called the sales number: to “Talking”.")
    help = _("After the call from the customer has ended, answered.")
    events = ("call.answered",)
