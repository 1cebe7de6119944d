"""When something that a rule plans takes place, and who does it: settings shared by planned calls and meetings."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import ActionError, Context, SettingsForm
from automation.fields import MergeTextField, UserChoice
from automation.timing import DATE, DELAY, UNITS, WHOLE_DAYS, NoCalendar, Timing, check_amount, date_fields
from crm.ground import clock
from crm.ground.sentences import said
from crm.models import User
from crm.pipelines.machine import machine_of


class PlanForm(SettingsForm):
    title = MergeTextField(label=_("subject"), multiline=False, max_length=200)
    description = MergeTextField(label=_("description"), required=False)
    date_field = forms.ChoiceField(
        label=_("at the date"), choices=date_fields, required=False, help_text=_("Or so much later than now:")
    )
    amount = forms.IntegerField(label=_("how much later"), min_value=0, max_value=100_000, required=False)
    unit = forms.ChoiceField(label=_("of what"), choices=UNITS[1:], required=False, initial="working_days")
    at = forms.TimeField(
        label=_("at the time of day"), required=False, widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=_("For days and longer."),
    )  # fmt: skip
    assignee = UserChoice(label=_("for"), required=False, empty_label=_("the owner"))
    remind_minutes = forms.IntegerField(
        label=_("remind before, minutes"), min_value=0, max_value=10_080, required=False
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        check_amount(self)
        if not data.get("date_field") and not data.get("amount") and "amount" not in self.errors:
            self.add_error("amount", _now("When? Choose a date of the card, or how much later than now."))
        return data


def moment_of(context: Context) -> datetime:
    """When it takes place (UTC). Raises ActionError: an empty date, a calendar that never opens."""
    settings, item = context.settings, context.item
    calendar = machine_of(item.pipeline_id).pipeline.working_time()
    zone = calendar.zone if calendar else "UTC"
    field = settings["date_field"]
    unit = settings["unit"] or "working_days"
    timing = Timing(
        when=DATE if field else DELAY,
        amount=settings["amount"] or 0,
        unit=unit,
        date_field=field,
        at=settings["at"] or time(9, 0),
        delay_at=settings["at"] if unit in WHOLE_DAYS else None,
    )
    try:
        due = timing.due(clock.now(), calendar, zone, item.value_of(field) if field else None)
    except NoCalendar as error:
        raise ActionError(str(error)) from error
    if due is None:
        raise ActionError(said("plan.no_date", "The date of the card that it is planned for is empty."))
    return due


def assignee_of(context: Context) -> User:
    """Who does it. Raises ActionError where nobody is left."""
    person: User | None = context.settings["assignee"] or context.item.owner
    if person is None or not person.is_active:
        raise ActionError(said("plan.nobody", "There is nobody to plan it for: the card has no owner."))
    return person
