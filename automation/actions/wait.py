"""Pause: holds the rules after it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Outcome, SettingsForm, Wait, actions
from automation.timing import UNITS, NoCalendar, after, amount_words, check_amount
from crm.ground import clock


@actions.register
class Pause(Action):
    key = "wait"
    label = _("Pause")
    synonyms = _("delay, sleep, timer")
    example = _("Two hours between the offer and the question.")
    group = "helpers"
    icon = "player-pause"
    leads = True
    pauses = True
    help = _("Holds the rules after it for so long. They have to follow it: “after the previous one”.")
    helper = True

    class Settings(SettingsForm):
        amount = forms.IntegerField(label=_("for how long"), min_value=1, max_value=100_000, initial=1)
        unit = forms.ChoiceField(label=_("of what"), choices=UNITS, initial="days")

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            check_amount(self)
            return data

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        try:
            return Wait(until=after(clock.now(), settings["amount"], settings["unit"], context.item))
        except NoCalendar as error:
            raise ActionError(str(error)) from error

    def summary(self, settings: dict[str, Any]) -> str:
        return amount_words(settings.get("amount") or 1, settings.get("unit") or "days")
