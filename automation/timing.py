"""When a rule runs: from its settings and the moment of entry to one instant (E15 to E20). Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.company import calendars
from crm.company.calendars import WorkingTime
from crm.fields import own
from crm.ground.sentences import said
from crm.models import CustomField, Item
from crm.pipelines.machine import machine_of

NOW, DELAY, DATE, TIME_OF_DAY = "now", "delay", "date", "time"
WHEN = [
    (NOW, gettext_lazy("immediately")),
    (DELAY, gettext_lazy("after a delay")),
    (DATE, gettext_lazy("before / at / after a date of the item")),
    (TIME_OF_DAY, gettext_lazy("at a time of day")),
]
UNITS = [
    ("seconds", gettext_lazy("seconds")),
    ("minutes", gettext_lazy("minutes")),
    ("hours", gettext_lazy("hours")),
    ("days", gettext_lazy("days")),
    ("weeks", gettext_lazy("weeks")),
    ("months", gettext_lazy("months")),
    ("working_minutes", gettext_lazy("working minutes")),
    ("working_hours", gettext_lazy("working hours")),
    ("working_days", gettext_lazy("working days")),
]
ZONE_OF = [
    ("company", gettext_lazy("the working calendar")),
    ("owner", gettext_lazy("the owner")),
    ("contact", gettext_lazy("the contact")),
]
WHOLE_DAYS = ("days", "weeks", "months", "working_days")
# Ten years of each: further on no calendar is known, and years beyond 9999 are none.
LONGEST = {
    "seconds": 100_000, "minutes": 100_000, "hours": 87_600, "days": 3_650, "weeks": 520, "months": 120,
    "working_minutes": 100_000, "working_hours": 20_000, "working_days": 2_500,
}  # fmt: skip
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}


class NoCalendar(ValueError):
    """Working time was asked for, and there is no calendar, or it never opens."""


@dataclass(frozen=True)
class Timing:
    """The *when* of a rule. Stored as the raw data of TimingForm.

    Args:
        sign: -1 before, +1 after the date; amount 0 is at it.
        working_only: an instant outside working time moves to the next opening.
        delay_at: of a delay of days or longer, the time of day on its last day ("2 days later at 9:30").
        late_limit: minutes; a run later than that is skipped; None: never.
    """

    when: str = NOW
    amount: int = 0
    unit: str = "minutes"
    sign: int = 1
    date_field: str = ""
    at: time = time(9, 0)
    working_only: bool = False
    zone_of: str = "company"
    late_limit: int | None = None
    delay_at: time | None = None

    def due(self, start: datetime, calendar: WorkingTime | None, zone: str, value: Any = None) -> datetime | None:
        """The instant at which to run; None while the date field is empty (E20).

        Args:
            start: aware; the entry, or the end of the rule before.
            zone: IANA name for days, months and times of day.
            value: of the date field: a date (its local midnight, or `at`), an aware datetime, or ISO text.
        Raises NoCalendar.
        """
        if self.when == NOW:
            instant = start
        elif self.when == DELAY:
            instant = self._moved(start, 1, calendar, zone)
            if self.delay_at is not None and self.unit in WHOLE_DAYS:
                instant = calendars.localise(instant.astimezone(ZoneInfo(zone)).date(), self.delay_at, zone)
        elif self.when == TIME_OF_DAY:
            instant = calendars.next_time_of_day(start, self.at, zone)
        else:
            base = _instant(value, zone, self.at)
            if base is None:
                return None
            instant = self._moved(base, self.sign, calendar, zone)
            if self.sign < 0 and self.amount and self.shifts:
                return self._before(instant, base, calendar)
        return self._opened(instant, calendar) if self.shifts else instant

    @property
    def shifts(self) -> bool:
        """Whether an instant outside working time moves into it. One counted in working units lies in it already:
        "10 working minutes" from ten minutes before closing is the closing, not the next morning (E18)."""
        counted = self.when in (DELAY, DATE) and self.amount and self.unit.startswith("working_")
        return self.working_only and (not counted or self.delay_at is not None)

    def _before(self, instant: datetime, event: datetime, calendar: WorkingTime | None) -> datetime:
        """On to the next opening if that is still before the event, else back to the last working instant."""
        opening = self._opened(instant, calendar)
        assert calendar is not None  # _opened raises without one
        return opening if opening < event else calendar.last_instant(instant)

    def _moved(self, base: datetime, sign: int, calendar: WorkingTime | None, zone: str) -> datetime:
        amount = self.amount * sign
        if self.unit in _SECONDS:
            return base + timedelta(seconds=amount * _SECONDS[self.unit])
        if self.unit in ("days", "weeks"):
            return calendars.add_days(base, amount * (7 if self.unit == "weeks" else 1), zone)
        if self.unit == "months":
            return calendars.add_months(base, amount, zone)
        if calendar is None:
            raise NoCalendar(said("calendar.none", "There is no working calendar to count working time by."))
        try:
            if self.unit == "working_days":
                return calendar.add_days(base, amount)
            minutes = abs(amount) * (60 if self.unit == "working_hours" else 1)
            return calendar.subtract_minutes(base, minutes) if sign < 0 else calendar.add_minutes(base, minutes)
        except calendars.NoWorkingTime as error:
            raise NoCalendar(said("calendar.closed", "The working calendar never opens.")) from error

    def _opened(self, instant: datetime, calendar: WorkingTime | None) -> datetime:
        if calendar is None:
            raise NoCalendar(said("calendar.none", "There is no working calendar to count working time by."))
        try:
            return calendar.next_opening(instant)
        except calendars.NoWorkingTime as error:
            raise NoCalendar(said("calendar.closed", "The working calendar never opens.")) from error

    def too_late(self, due_at: datetime, now: datetime) -> bool:
        return self.late_limit is not None and now - due_at > timedelta(minutes=self.late_limit)

    def words(self) -> str:
        """The *when* as people read it on the rule's card."""
        if self.when == DELAY:
            text = _("after %(delay)s") % {"delay": self._amount_words()}
            if self.delay_at is not None and self.unit in WHOLE_DAYS:
                text = _("%(delay)s at %(time)s") % {"delay": text, "time": self.delay_at.strftime("%H:%M")}
        elif self.when == TIME_OF_DAY:
            text = _("at %s") % self.at.strftime("%H:%M")
        elif self.when == DATE:
            words = {"delay": self._amount_words(), "field": date_label(self.date_field)}
            pattern = _("%(delay)s before “%(field)s”") if self.sign < 0 else _("%(delay)s after “%(field)s”")
            text = pattern % words if self.amount else _("at “%(field)s”") % words
        else:
            text = _("immediately")
        return _("%s, in working time") % text if self.working_only else text

    def _amount_words(self) -> str:
        n = self.amount
        return {
            "seconds": ngettext("%(n)d second", "%(n)d seconds", n),
            "minutes": ngettext("%(n)d minute", "%(n)d minutes", n),
            "hours": ngettext("%(n)d hour", "%(n)d hours", n),
            "days": ngettext("%(n)d day", "%(n)d days", n),
            "weeks": ngettext("%(n)d week", "%(n)d weeks", n),
            "months": ngettext("%(n)d month", "%(n)d months", n),
            "working_minutes": ngettext("%(n)d working minute", "%(n)d working minutes", n),
            "working_hours": ngettext("%(n)d working hour", "%(n)d working hours", n),
            "working_days": ngettext("%(n)d working day", "%(n)d working days", n),
        }[self.unit] % {"n": n}

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Timing:
        """From stored data; what is missing has its default."""
        late = raw.get("late_limit")
        return cls(
            when=raw.get("when") or NOW,
            amount=int(raw.get("amount") or 0),
            unit=raw.get("unit") or "minutes",
            sign=-1 if raw.get("side") == "before" else 1,
            date_field=raw.get("date_field") or "",
            at=time.fromisoformat(raw.get("at") or "09:00"),
            working_only=bool(raw.get("working_only")),
            zone_of=raw.get("zone_of") or "company",
            late_limit=int(late) if late not in (None, "") else None,
            delay_at=time.fromisoformat(raw["delay_at"]) if raw.get("delay_at") else None,
        )


def timing_words(raw: dict[str, Any]) -> str:
    """Of stored data, or of what a draft holds and no form can read: "?"."""
    try:
        return Timing.of(raw).words()
    except (ValueError, TypeError, KeyError, AttributeError):
        return "?"


def after(start: datetime, amount: int, unit: str, item: Item) -> datetime:
    """So much later by the calendar of the item's pipeline: working units are open time, days keep the time of day. Raises NoCalendar."""
    timing = Timing(when=DELAY, amount=amount, unit=unit)
    calendar = None if unit in _SECONDS else machine_of(item.pipeline_id).pipeline.working_time()
    due = timing.due(start, calendar, calendar.zone if calendar else "UTC")
    assert due is not None
    return due


def amount_words(amount: int, unit: str) -> str:
    """ "3 working days" """
    return Timing(when=DELAY, amount=amount, unit=unit)._amount_words()


def check_amount(form: forms.Form, amount: str = "amount", unit: str = "unit") -> None:
    """Refuse more of a unit than any calendar reaches; called by `clean` of forms with both."""
    longest = LONGEST.get(form.cleaned_data.get(unit) or "minutes", 0)
    if (form.cleaned_data.get(amount) or 0) > longest:
        form.add_error(amount, _("That is more than ten years; at most %d of this unit.") % longest)


def zone_for(timing: Timing, item: Item, calendar: WorkingTime | None) -> tuple[str, str]:
    """Whose days and times of day count (E17): an IANA name, and "company", "owner" or "contact"."""
    if timing.zone_of == "owner" and item.owner is not None:
        return item.owner.zone, "owner"
    theirs = item.contact.time_zone() if timing.zone_of == "contact" and item.contact is not None else ""
    return (theirs, "contact") if theirs else (calendar.zone if calendar else "UTC", "company")


def _instant(value: Any, zone: str, at: time) -> datetime | None:
    if value in (None, ""):
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value or " " in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else calendars.localise(value.date(), value.time(), zone)
    return calendars.localise(value, at, zone)


def date_fields() -> list[tuple[str, Any]]:
    """What a rule may run before or after: days and moments of an item."""
    ours = [own.ITEM["due_date"], own.ITEM_KEPT["next_activity_at"]]
    custom = [row.field for row in CustomField.of_items()]
    return [("", "—"), *((field.name, field.label) for field in [*ours, *custom] if field.type.is_day)]


def date_label(name: str) -> str:
    return str(dict(date_fields()).get(name, name))


class TimingForm(forms.Form):
    when = forms.ChoiceField(label=gettext_lazy("run"), choices=WHEN, initial=NOW)
    amount = forms.IntegerField(label=gettext_lazy("how much"), min_value=0, max_value=100_000, required=False)
    unit = forms.ChoiceField(label=gettext_lazy("of what"), choices=UNITS, required=False, initial="minutes")
    delay_at = forms.TimeField(
        label=gettext_lazy("at the time of day"), required=False, widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=gettext_lazy("For days and longer; empty: at the same time of day as the entry."),
    )  # fmt: skip
    side = forms.ChoiceField(
        label=gettext_lazy("side"),
        choices=[("after", gettext_lazy("after")), ("before", gettext_lazy("before"))],
        required=False,
    )
    date_field = forms.ChoiceField(label=gettext_lazy("date"), choices=date_fields, required=False)
    at = forms.TimeField(
        label=gettext_lazy("time of day"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    working_only = forms.BooleanField(label=gettext_lazy("only in working time"), required=False)
    zone_of = forms.ChoiceField(label=gettext_lazy("time zone of"), choices=ZONE_OF, required=False)
    late_limit = forms.IntegerField(
        label=gettext_lazy("skip if late by more than, minutes"), min_value=0, max_value=5_256_000, required=False
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("when") == DELAY and not data.get("amount"):
            self.add_error("amount", _("How long shall it wait?"))
        if data.get("when") in (DELAY, DATE):
            check_amount(self)
        if data.get("when") == DELAY and data.get("delay_at") and data.get("unit") not in WHOLE_DAYS:
            self.add_error("delay_at", _("A time of day goes with days, weeks, months or working days."))
        if data.get("when") == DATE and not data.get("date_field"):
            self.add_error("date_field", _("Before or after which date?"))
        if data.get("when") == TIME_OF_DAY and not data.get("at"):
            self.add_error("at", _("At what time?"))
        return data

    def raw(self) -> dict[str, Any]:
        """What is stored."""
        stored = {name: value for name, value in self.cleaned_data.items() if value not in (None, "", False)}
        for name in ("at", "delay_at"):
            if name in stored:
                stored[name] = stored[name].strftime("%H:%M")
        return stored


def duration_words(delta: timedelta) -> str:
    """ "14 h 12 min" """
    seconds = max(0, int(delta.total_seconds()))
    days, rest = divmod(seconds, 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    if days:
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days} + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds % 60} s"
