"""Days and moments as people type them; one reader for imports, conditions and filters. (Forms have the browser's own
calendar, which sends ISO.)

Written here and not taken from a library: those that read dates loosely make a day of "12" and guess the order of day
and month row by row, which is how one file gets two orders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from functools import cache

from babel import Locale
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext_lazy

from crm.ground.amounts import plain
from crm.ground.folding import fold
from crm.ground.sentences import said

DAY_FIRST, MONTH_FIRST = "dmy", "mdy"
ORDERS = ((DAY_FIRST, gettext_lazy("the day first")), (MONTH_FIRST, gettext_lazy("the month first")))
# Beyond them a zone or a day more has no date any more; files write 0001-01-01 for none and 9999-12-31 for never.
FIRST_YEAR, LAST_YEAR = 1800, 2999
_LANGUAGES = ("en", "pl", "fr", "vi", "de", "es", "it", "cs", "uk", "ru", "nl", "pt")
_NUMBERS = re.compile(r"(\d{1,4}) ?([./-]) ?(\d{1,2}) ?\2 ?(\d{1,4})")
_CLOCK = re.compile(
    r"(?:[ ,t]+|^)(?:at |o |a |godz\.? )?(\d{1,2})[:h](\d{2})(?::(\d{2})(?:\.\d+)?)? ?(?:([ap])\.?m\.?)?$",
    re.IGNORECASE,
)
_YEAR_MARK = re.compile(r" ?\b(?:r|г|rok|roku|год|года)\b\.?$")  # "5.3.2026 r."
_WORDS = re.compile(
    r"(?:ngay )?(\d{1,2})(?:st|nd|rd|th|er|º|\.)?[ /-]*(?:de |of )?([^\W\d_]+)\.?[ ,/-]*(?:de )?(\d{4}|\d{2})"
)
_WORDS_FIRST = re.compile(r"([^\W\d_]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_VIETNAMESE = re.compile(r"(?:ngay )?(\d{1,2}) ?thang (\d{1,2})(?:,| nam)* ?(\d{4})")


def read_day(text: str, order: str = DAY_FIRST) -> date:
    """ "31.12.26" · "2026-12-31" · "5 marca 2026" · "March 5, 2026"; a time of day beside it is left out.

    Args:
        order: DAY_FIRST or MONTH_FIRST, for what is written with slashes or dashes. Dots are day first everywhere.
    Raises ValidationError.
    """
    return read_moment(text, order).date()


def read_moment(text: str, order: str = DAY_FIRST) -> datetime:
    """A day with a time of day, midnight without one; aware only where the text names its offset."""
    bare = plain(text)
    try:
        if len(bare) > 60:
            raise ValueError
        found = _iso(bare) or _written(fold(bare), order)
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise ValueError
        return found
    except (ValueError, OverflowError):
        raise ValidationError(said("value.no_date", "“%s” is not a date.") % text.strip()[:40]) from None


def check_year(value: date | None) -> None:
    """Raises ValidationError for a day or moment that some zone or page could not show."""
    if value is not None and not FIRST_YEAR <= value.year <= LAST_YEAR:
        words = {"first": FIRST_YEAR, "last": LAST_YEAR}
        raise ValidationError(said("value.year", "The year lies between %(first)s and %(last)s.") % words)


def order_of(cells: Iterable[str]) -> str:
    """In which order a file writes day and month: DAY_FIRST, MONTH_FIRST, or empty where its cells do not tell.

    Of all its dates together: a system writes each of its columns in the same way.
    """
    found = set()
    for cell in cells:
        match = _NUMBERS.match(plain(cell))
        if match and is_open(cell):
            first, second = int(match[1]), int(match[3])
            found |= {DAY_FIRST} if first > 12 else set()
            found |= {MONTH_FIRST} if second > 12 else set()
    return found.pop() if len(found) == 1 else ""


def is_open(cell: str) -> bool:
    """Whether the order of day and month matters for how it is read."""
    match = _NUMBERS.match(plain(cell))
    return bool(match) and match[2] != "." and len(match[1]) <= 2 and match[1] != match[3]  # type: ignore[index]  # `bool(match)` says that there is one


def read_time(text: str) -> time:
    """A time of day: "18:00" · "6 pm" · "8h30" · "9". Raises ValidationError."""
    bare = plain(text).lower()
    match = _CLOCK.match(bare) or re.fullmatch(r"(\d{1,2})()() ?(?:h|([ap])\.?m\.?)?", bare)
    try:
        if match is None:
            raise ValueError
        return _clock(match)
    except ValueError:
        raise ValidationError(said("value.no_time", "“%s” is not a time of day.") % text.strip()[:40]) from None


def _iso(text: str) -> datetime | None:
    if not re.match(r"\d{4}-\d{2}-\d{2}(?:$|[ T]\d)", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _written(text: str, order: str) -> datetime:
    clock = _CLOCK.search(text)
    day = _YEAR_MARK.sub("", text[: clock.start()] if clock else text).strip(" ,")
    found = _in_numbers(day, order) or _in_words(day)
    if found is None:
        raise ValueError
    return datetime.combine(found, _clock(clock) if clock else time())


def _clock(match: re.Match[str]) -> time:
    hour, half = int(match[1]), (match[4] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, int(match[2] or 0), int(match[3] or 0))


def _in_numbers(day: str, order: str) -> date | None:
    match = _NUMBERS.fullmatch(day)
    if match is None:
        return None
    first, sign, second, third = match[1], match[2], match[3], match[4]
    if len(first) == 4:
        return date(int(first), int(second), int(third))
    if len(first) > 2 or len(third) not in (2, 4):
        raise ValueError
    month_first = order == MONTH_FIRST and sign != "."
    month, number = (first, second) if month_first else (second, first)
    return date(_year(third), int(month), int(number))


def _in_words(day: str) -> date | None:
    weekday, _blank, rest = day.partition(" ")
    # The whole first: "Mar" is a Tuesday in French, and March in "Mar 5, 2026".
    return _named(day) or (_named(rest) if weekday.strip(",.") in _weekdays() else None)


def _named(day: str) -> date | None:
    if match := _VIETNAMESE.fullmatch(day):
        return date(int(match[3]), int(match[2]), int(match[1]))
    if match := _WORDS.fullmatch(day):
        number, name, year = match.groups()
    elif match := _WORDS_FIRST.fullmatch(day):
        name, number, year = match.groups()
    else:
        return None
    month = _months().get(name)
    return date(_year(year), month, int(number)) if month else None


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return 2000 + year if year < 70 else 1900 + year


@cache
def _months() -> dict[str, int]:
    """Names of months, long and short, in the languages that files come in; folded, without dots."""
    return _names("months")


@cache
def _weekdays() -> dict[str, int]:
    return _names("days")


def read_weekday(text: str) -> str:
    """ "mon" … "sun" for a day's name or usual abbreviation, in the active language first. Raises ValidationError."""
    bare = fold(plain(text)).strip(".")
    if bare in WEEKDAYS:
        return bare
    for language in (get_language() or "en", *_LANGUAGES):
        found = _of(language, "days").get(bare)
        if found is not None:
            return WEEKDAYS[found]
    raise ValidationError(said("value.no_weekday", "“%s” is not a day of the week.") % text.strip()[:40])


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _names(kind: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for language in _LANGUAGES:
        for name, number in _of(language, kind).items():
            found.setdefault(name, number)
    return found


@cache
def _of(language: str, kind: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for shape in ("wide", "abbreviated"):
        for use in ("format", "stand-alone"):
            for number, name in getattr(Locale.parse(language.replace("-", "_")), kind)[use][shape].items():
                found.setdefault(fold(name).strip("."), number)
    return found
