"""Date reached: before, at or after a date of the card."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.timing import DATE, UNITS, ZONE_OF, Timing, check_amount, date_fields, date_label, zone_for
from crm.events import kinds
from crm.events.record import record
from crm.models import Cause, Event, Item
from crm.pipelines.machine import machine_of

KIND = "date.reached"
# The next task's day changes without the card being edited.
OF_TASKS = "next_activity_at"


@trigger_types.register
class DateReached(TriggerType):
    key = "date_reached"
    label = _("Date reached")
    synonyms = _("deadline, birthday, before, after")
    example = _("Three days before the delivery date: to “Prepare”.")
    group = "item"
    icon = "calendar"
    help = _("A date of the card has come, or is so far away. An empty date never comes; a changed one counts anew.")
    events = (KIND,)
    arms = (
        "item.created", "item.restored", "field.changed", "task.created", "task.status", "task.changed", "stage.entered",
    )  # fmt: skip

    class Settings(SettingsForm):
        date_field = forms.ChoiceField(label=_("date"), choices=date_fields)
        side = forms.ChoiceField(
            label=_("side"), choices=[("after", _("after")), ("before", _("before"))], required=False
        )
        amount = forms.IntegerField(
            label=_("how much"), min_value=0, max_value=100_000, required=False, help_text=_("Empty: at the date.")
        )
        unit = forms.ChoiceField(label=_("of what"), choices=UNITS[1:], required=False, initial="days")
        at = forms.TimeField(
            label=_("time of day"),
            required=False,
            widget=forms.TimeInput(attrs={"type": "time"}),
            help_text=_("Of a date without a time; empty: midnight."),
        )
        zone_of = forms.ChoiceField(label=_("time zone of"), choices=ZONE_OF, required=False)

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            check_amount(self)
            return data

    def due_for(self, subject: Item, settings: dict[str, Any], event: Event | None = None) -> datetime | None:
        value = subject.value_of(settings["date_field"])
        if settings["date_field"] == OF_TASKS:
            value = Item.objects.filter(pk=subject.pk).values_list(OF_TASKS, flat=True).first()
        if value in (None, ""):
            return None
        timing = _timing(settings)
        calendar = machine_of(subject.pipeline_id).pipeline.working_time()
        zone, _whose = zone_for(timing, subject, calendar)
        return timing.due(subject.created_at, calendar, zone, value)

    def tell(self, subject: Item, settings: dict[str, Any], due_at: datetime) -> None:
        payload = {"field": settings["date_field"], "offset": _offset(settings), "at": due_at.isoformat()}
        key = f"{KIND}:{subject.pk}:{settings['date_field']}:{_offset(settings)}:{int(due_at.timestamp())}"[:120]
        record(KIND, item=subject, payload=payload, cause=Cause("system"), key=key)

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return (event.data("field"), event.data("offset")) == (settings["date_field"], _offset(settings))

    def summary(self, settings: dict[str, Any]) -> str:
        return _timing(settings).words() if settings.get("date_field") else ""


def _timing(settings: dict[str, Any]) -> Timing:
    return Timing(
        when=DATE,
        amount=settings.get("amount") or 0,
        unit=settings.get("unit") or "days",
        sign=-1 if settings.get("side") == "before" else 1,
        date_field=settings["date_field"],
        at=settings.get("at") or time(0, 0),
        zone_of=settings.get("zone_of") or "company",
    )


def _offset(settings: dict[str, Any]) -> str:
    """What tells two triggers of one date apart."""
    timing = _timing(settings)
    return f"{timing.amount * timing.sign}{timing.unit}@{timing.at:%H:%M}{timing.zone_of[0]}"


def _told(event: Any) -> kinds.Shown:
    return "calendar", _now("Date reached: %s") % date_label(event.data("field")), ""


kinds.register(kinds.EventKind(KIND, _("Date reached"), "calendar", _told, shows=("changes",), names_customer=False))
