"""Missed call."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from automation.base import trigger_types
from automation.triggers.of_call import OfCall


@trigger_types.register
class CallMissed(OfCall):
    key = "call_missed"
    label = _("Missed call")
    synonyms = _("unanswered, phone")
    example = _("Nobody answered: to “Call back”.")
    help = _("Nobody answered in time, or the caller hung up.")
    events = ("call.missed",)
