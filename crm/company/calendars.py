"""Working time and zones: pure arithmetic. E17 and E18 of the execution contract are decided here."""

from __future__ import annotations

import zoneinfo
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import holidays

Span = tuple[int, int]  # minutes after local midnight: opening, closing
HORIZON_DAYS = 3660  # a calendar without any open day must end a search, not hang it


class NoWorkingTime(ValueError):
    """The calendar never opens."""


def zones() -> list[str]:
    return sorted(zoneinfo.available_timezones())


def minutes_of(moment: time) -> int:
    return moment.hour * 60 + moment.minute


@lru_cache(maxsize=256)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


@lru_cache(maxsize=512)
def _holidays(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year).keys())


def has_holidays(country: str) -> bool:
    return country in holidays.list_supported_countries(include_aliases=True)


def localise(day: date, moment: time, zone: str) -> datetime:
    """The UTC instant of a local wall-clock time (E17).

    A time in the spring gap moves on by the length of the gap (02:30 becomes 03:30); a time that comes twice in
    the autumn is the first one. `fold=0` gives both once the value has been taken to UTC.
    """
    return datetime.combine(day, moment.replace(fold=0), tzinfo=_zone(zone)).astimezone(UTC)


def add_days(instant: datetime, days: int, zone: str) -> datetime:
    """The same local clock time some days later (or earlier), across DST."""
    local = instant.astimezone(_zone(zone))
    return localise(local.date() + timedelta(days=days), local.timetz().replace(tzinfo=None), zone)


def add_months(instant: datetime, months: int, zone: str) -> datetime:
    """The same day and local time some months later; the 31st becomes the month's last day."""
    local = instant.astimezone(_zone(zone))
    index = local.year * 12 + local.month - 1 + months
    year, month = divmod(index, 12)
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    day = date(year, month + 1, min(local.day, last))
    return localise(day, local.timetz().replace(tzinfo=None), zone)


def next_time_of_day(instant: datetime, moment: time, zone: str) -> datetime:
    """The next occurrence of a local time of day, strictly after the instant."""
    day = instant.astimezone(_zone(zone)).date()
    today = localise(day, moment, zone)
    return today if today > instant else localise(day + timedelta(days=1), moment, zone)


@dataclass(frozen=True)
class WorkingTime:
    """A working calendar as plain data.

    Args:
        zone: IANA name; hours are local to it.
        hours: weekday (0 = Monday) to opening spans in minutes after midnight.
        country: two letters; its public holidays are closed. Empty for none.
        exceptions: day to its own spans; empty spans close the day. They win over hours and holidays.
    """

    zone: str = "UTC"
    hours: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    country: str = ""
    exceptions: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def spans(self, day: date) -> tuple[Span, ...]:
        if day in self.exceptions:
            return self.exceptions[day]
        if self.country and day in _holidays(self.country, day.year):
            return ()
        return self.hours.get(day.weekday(), ())

    def _instants(self, day: date) -> list[tuple[datetime, datetime]]:
        """The day's spans as UTC instants; a span is as long as its real minutes, DST included."""
        result = []
        for start, end in self.spans(day):
            opens = localise(day, time(start // 60, start % 60), self.zone)
            closes = (
                localise(day + timedelta(days=1), time(0), self.zone)
                if end >= 1440
                else localise(day, time(end // 60, end % 60), self.zone)
            )
            if closes > opens:
                result.append((opens, closes))
        return result

    def _local_day(self, instant: datetime) -> date:
        return instant.astimezone(_zone(self.zone)).date()

    def is_open(self, instant: datetime) -> bool:
        return any(a <= instant < b for a, b in self._instants(self._local_day(instant)))

    def next_opening(self, instant: datetime) -> datetime:
        """The instant itself if open, else the next opening. Raises NoWorkingTime if there is none in ten years."""
        day = self._local_day(instant)
        for _ in range(HORIZON_DAYS):
            for opens, closes in self._instants(day):
                if instant < closes:
                    return max(instant, opens)
            day += timedelta(days=1)
        raise NoWorkingTime(self.zone)

    def last_instant(self, instant: datetime) -> datetime:
        """The instant itself if open, else the closing before it. Raises NoWorkingTime."""
        day = self._local_day(instant)
        for _ in range(HORIZON_DAYS):
            for opens, closes in reversed(self._instants(day)):
                if opens <= instant:
                    return min(instant, closes)
            day -= timedelta(days=1)
        raise NoWorkingTime(self.zone)

    def reaches(self, instant: datetime) -> bool:
        """Whether it lies in working time, the closing minute included: what is due at closing is due in it."""
        day = self._local_day(instant)
        days = (day - timedelta(days=1), day)  # what closes at midnight closes on the next date
        return any(a <= instant <= b for one in days for a, b in self._instants(one))

    def add_minutes(self, instant: datetime, minutes: float) -> datetime:
        """The instant at which so many open minutes have passed (E18). Not negative."""
        left = timedelta(minutes=minutes)
        day = self._local_day(instant)
        for _ in range(HORIZON_DAYS):
            for opens, closes in self._instants(day):
                start = max(instant, opens)
                if start >= closes:
                    continue
                if start + left <= closes:
                    return start + left
                left -= closes - start
            day += timedelta(days=1)
        raise NoWorkingTime(self.zone)

    def subtract_minutes(self, instant: datetime, minutes: float) -> datetime:
        """The latest instant from which so many open minutes pass until the given one."""
        left = timedelta(minutes=minutes)
        day = self._local_day(instant)
        for _ in range(HORIZON_DAYS):
            for opens, closes in reversed(self._instants(day)):
                end = min(instant, closes)
                if end <= opens:
                    continue
                if end - left >= opens:
                    return end - left
                left -= end - opens
            day -= timedelta(days=1)
        raise NoWorkingTime(self.zone)

    def add_days(self, instant: datetime, days: int) -> datetime:
        """So many working days later (negative: earlier), at the same local time, then inside opening hours.

        Only whole working days are stepped over, once: "2 working days before Monday 15 April" is Thursday,
        never shifted a second time because the result itself is checked (E18).
        """
        local = instant.astimezone(_zone(self.zone))
        day, left, step = local.date(), abs(days), 1 if days >= 0 else -1
        for _ in range(HORIZON_DAYS):
            if not left:
                break
            day += timedelta(days=step)
            left -= bool(self.spans(day))
        else:
            raise NoWorkingTime(self.zone)
        result = localise(day, local.timetz().replace(tzinfo=None), self.zone)
        if days < 0:
            return self._within(day, result)
        return self.next_opening(result)

    def _within(self, day: date, instant: datetime) -> datetime:
        """The instant moved into the day's own hours: before opening to the opening, after closing to the closing."""
        spans = self._instants(day)
        if not spans:
            return instant
        index = bisect_right([opens for opens, _ in spans], instant) - 1
        if index < 0:
            return spans[0][0]
        return min(instant, spans[index][1])
