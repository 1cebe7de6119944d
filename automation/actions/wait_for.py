"""Wait for a condition or event, at most so long."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Skip, Wait, actions
from automation.fields import ItemFieldChoice
from automation.timing import UNITS, NoCalendar, after, amount_words, check_amount
from crm.events import kinds
from crm.ground import clock

FILLED = "field.changed"
EVENTS = (
    FILLED, "email.received", "email.opened", "sms.received", "call.answered", "form.submitted", "comment.added",
    "task.status", "meeting.answered", "document.opened", "document.signed", "document.declined", "invoice.paid",
)  # fmt: skip
LATE = [
    ("go_on", _("go on all the same")),
    ("skip", _("count as skipped")),
    ("fail", _("count as failed")),
]


def event_choices() -> list[tuple[str, Any]]:
    named = {kind.key: kind.label for kind in kinds.kinds()}
    return [(key, _("A field is filled") if key == FILLED else named[key]) for key in EVENTS if key in named]


@actions.register
class WaitFor(Action):
    key = "wait_for"
    label = _("Wait for")
    synonyms = _("until, event, timeout")
    example = _("Go on when the address has been filled in.")
    group = "helpers"
    icon = "clock"
    leads = True
    pauses = True
    help = _("Holds the rules after it until something happens with the card, or until the time is up.")
    helper = True
    awaits = EVENTS
    outputs = {"happened": _("whether it happened")}

    class Settings(SettingsForm):
        event = forms.ChoiceField(label=_("until"), choices=event_choices)
        field = ItemFieldChoice(label=_("field"), required=False)
        amount = forms.IntegerField(label=_("at most"), min_value=1, max_value=100_000, initial=7)
        unit = forms.ChoiceField(label=_("of what"), choices=UNITS, initial="days")
        late = forms.ChoiceField(label=_("when the time is up"), choices=LATE, initial="skip")

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            check_amount(self)
            if data.get("event") == FILLED and not data.get("field") and "field" not in self.errors:
                self.add_error("field", _("Which field?"))
            return data

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        if self._is_filled(context):
            return Done({"happened": True})
        try:
            until = after(clock.now(), settings["amount"], settings["unit"], context.item)
        except NoCalendar as error:
            raise ActionError(str(error)) from error
        return self._wait(context, until)

    def _wait(self, context: Context, until: datetime) -> Wait:
        return Wait(f"event:{context.settings['event']}", until, {"until": until.isoformat()})

    def _is_filled(self, context: Context) -> bool:
        settings = context.settings
        return settings["event"] == FILLED and context.item.value_of(settings["field"]) not in (None, "", [])

    def resume(self, context: Context, status: str, sentence: str) -> Outcome:
        settings = context.settings
        if status == "late":
            if settings["late"] == "fail":
                raise ActionError(sentence)
            return Done({"happened": False}) if settings["late"] == "go_on" else Skip(sentence)
        context.item.refresh_from_db()
        if settings["event"] != FILLED or self._is_filled(context):
            return Done({"happened": True})
        until = parse_datetime(context.outputs["until"])
        assert until is not None
        return self._wait(context, until)

    def summary(self, settings: dict[str, Any]) -> str:
        label = dict(event_choices()).get(settings.get("event", ""), "")
        return f"{label} · {amount_words(settings.get('amount') or 1, settings.get('unit') or 'days')}"
