"""Add history entry."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, SettingsForm, actions
from automation.fields import MergeTextField
from crm.events import kinds
from crm.events.record import record

KIND = "history.noted"


@actions.register
class AddEvent(Action):
    key = "add_event"
    label = _("Add history entry")
    synonyms = _("log, timeline entry")
    example = _("The history says when the workshop began.")
    group = "item"
    icon = "history"
    help = _("Writes a line into the card's history. Unlike a comment it asks nobody to read it.")

    class Settings(SettingsForm):
        text = MergeTextField(label=_("text"), max_length=500)

    def run(self, context: Context) -> Outcome:
        text = context.text(context.settings["text"])[:500]
        record(
            KIND,
            item=context.item,
            visit=context.visit,
            actor=context.rights,
            cause=context.cause,
            payload={"text": text},
        )
        return Done()

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("text", ""))[:80]


kinds.register(
    kinds.EventKind(KIND, _("History entry"), "history", lambda e: ("history", e.data("text"), ""), shows=("changes",))
)
