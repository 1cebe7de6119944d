"""Conditions: a tree of all / any / not over field, operator, value (E23 to E25). Pure; explains what it read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.folding import fold


class CannotJudge(Exception):
    """The field has gone or the values cannot be compared: the run fails, it is never silently skipped."""


@dataclass(frozen=True)
class Verdict:
    """Args: sentence: what was read, for people ("amount 3 000 < 5 000")."""

    true: bool
    sentence: str


@dataclass(frozen=True)
class Facts:
    """What a condition may read.

    Args:
        values: {"item.amount": …} by path, a function that raises KeyError for a field that has gone.
        labels: path to label.
        now: aware. zone: for times of day and weekdays.
        changes: {field: [old, new]} of the event that caused the entry.
    """

    values: Callable[[str], Any]
    labels: Callable[[str], str]
    now: datetime
    zone: str = "UTC"
    changes: dict[str, list[Any]] | None = None


def judge(tree: dict[str, Any] | None, facts: Facts) -> Verdict:
    """Judge a stored tree; an empty one is true. Raises CannotJudge."""
    if not tree:
        return Verdict(True, "")
    if "all" in tree or "any" in tree:
        every = "all" in tree
        verdicts = [judge(part, facts) for part in tree["all" if every else "any"]]
        if not verdicts:
            return Verdict(True, "")
        result = all(v.true for v in verdicts) if every else any(v.true for v in verdicts)
        # What decided it: the first false part of an `all`, the first true one of an `any`, else all of them.
        deciding = [v for v in verdicts if v.true == result] if result != every else verdicts
        chosen = deciding[:1] if result != every else deciding
        return Verdict(result, _(" and ").join(v.sentence for v in chosen if v.sentence))
    if "not" in tree:
        inner = judge(tree["not"], facts)
        return Verdict(not inner.true, inner.sentence)
    return _leaf(tree, facts)


def _leaf(leaf: dict[str, Any], facts: Facts) -> Verdict:
    path, operator = str(leaf.get("field", "")), str(leaf.get("op", ""))
    found = OPERATORS.get(operator)
    if found is None:
        raise CannotJudge(_("There is no comparison “%s”.") % operator)
    if operator in _OF_TIME:
        return found.test(facts.now.astimezone(ZoneInfo(facts.zone)), leaf.get("value"), leaf, facts, _("now"))
    try:
        actual = facts.values(path)
    except KeyError as error:
        raise CannotJudge(_("The field “%s” no longer exists.") % path) from error
    wanted = leaf.get("value")
    if leaf.get("value_field"):
        try:
            wanted = facts.values(str(leaf["value_field"]))
        except KeyError as error:
            raise CannotJudge(_("The field “%s” no longer exists.") % leaf["value_field"]) from error
    return found.test(actual, wanted, leaf, facts, facts.labels(path))


# ---------------------------------------------------------------------- comparing


def _empty(value: Any) -> bool:
    return value in (None, "", [], {})


def _text(value: Any) -> str:
    if value is True:
        return _("yes")
    if value is False:
        return _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _number(value: Any) -> Decimal:
    try:
        return Decimal(str(value).replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except InvalidOperation as error:
        raise CannotJudge(_("“%s” is not a number.") % _text(value)) from error


def _same(actual: Any, wanted: Any) -> bool:
    if isinstance(actual, bool):
        return actual == (str(wanted).lower() in ("1", "true", "on", "yes"))
    if isinstance(actual, int | float | Decimal) and not _empty(wanted):
        return _number(actual) == _number(wanted)
    if isinstance(actual, list):
        return fold(_text(wanted)) in [fold(_text(part)) for part in actual]
    return fold(_text(actual)) == fold(_text(wanted))


def _list(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [part.strip() for part in str(wanted or "").split(",")]


def _ordered(actual: Any, wanted: Any) -> tuple[Any, Any]:
    """Both sides as numbers, or as dates where the field holds one."""
    if isinstance(actual, date | datetime):
        return _day(actual), _day(wanted)
    return _number(actual), _number(wanted)


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise CannotJudge(_("“%s” is not a date.") % _text(value)) from error


Test = Callable[[Any, Any, dict[str, Any], Facts, str], Verdict]


@dataclass(frozen=True)
class Operator:
    label: Any
    test: Test
    needs_value: bool = True


def _plain(label: Any, function: Callable[[Any, Any], bool], sign: str, otherwise: str) -> Operator:
    def test(actual: Any, wanted: Any, leaf: dict[str, Any], facts: Facts, name: str) -> Verdict:
        true = function(actual, wanted)
        shown = _text(actual) if not _empty(actual) else _("empty")
        return Verdict(true, f"{name} {shown} {sign if true else otherwise} {_text(wanted)}".strip())

    return Operator(label, test)


def _compared(label: Any, function: Callable[[Any, Any], bool], sign: str, otherwise: str) -> Operator:
    def compare(actual: Any, wanted: Any) -> bool:
        # An empty field is neither more nor less than anything.
        return False if _empty(actual) else function(*_ordered(actual, wanted))

    return _plain(label, compare, sign, otherwise)


def _between(actual: Any, wanted: Any, leaf: dict[str, Any], facts: Facts, name: str) -> Verdict:
    low, high = [*_list(wanted), "", ""][:2]
    true = not _empty(actual) and _ordered(actual, low)[0] >= _ordered(actual, low)[1]
    true = true and _ordered(actual, high)[0] <= _ordered(actual, high)[1]
    return Verdict(true, f"{name} {_text(actual)} {'∈' if true else '∉'} {low} – {high}")


def _presence(label: Any, wants_empty: bool) -> Operator:
    def test(actual: Any, wanted: Any, leaf: dict[str, Any], facts: Facts, name: str) -> Verdict:
        empty = _empty(actual)
        return Verdict(empty == wants_empty, _("%s is empty") % name if empty else _("%s is filled") % name)

    return Operator(label, test, needs_value=False)


def _truth(label: Any, wants: bool) -> Operator:
    def test(actual: Any, wanted: Any, leaf: dict[str, Any], facts: Facts, name: str) -> Verdict:
        return Verdict(bool(actual) == wants, f"{name}: {_text(bool(actual))}")

    return Operator(label, test, needs_value=False)


def _days(label: Any, sign: int) -> Operator:
    def test(actual: Any, wanted: Any, leaf: dict[str, Any], facts: Facts, name: str) -> Verdict:
        if _empty(actual):
            return Verdict(False, _("%s is empty") % name)
        today, day = facts.now.astimezone(ZoneInfo(facts.zone)).date(), _day(actual)
        edge = today + timedelta(days=int(_number(wanted)) * sign)
        return Verdict(min(today, edge) <= day <= max(today, edge), f"{name} {day}")

    return Operator(label, test)


def _changed(label: Any, both: bool) -> Operator:
    def test(actual: Any, wanted: Any, leaf: dict[str, Any], facts: Facts, name: str) -> Verdict:
        field = str(leaf.get("field", "")).removeprefix("item.")
        old, new = (facts.changes or {}).get(field, [None, None])
        start, end = ([*_list(wanted), ""][:2]) if both else (None, wanted)
        true = field in (facts.changes or {}) and _same(new, end) and (not both or _same(old, start))
        return Verdict(true, f"{name}: {_text(old)} → {_text(new)}")

    return Operator(label, test)


def _time_between(now: datetime, wanted: Any, leaf: dict[str, Any], facts: Facts, name: str) -> Verdict:
    start, end = (time.fromisoformat(part) for part in _list(wanted)[:2])
    here = now.time().replace(tzinfo=None)
    # A night range goes over midnight.
    true = start <= here < end if start <= end else here >= start or here < end
    return Verdict(true, f"{here:%H:%M} {'∈' if true else '∉'} {start:%H:%M} – {end:%H:%M}")


def _weekday(now: datetime, wanted: Any, leaf: dict[str, Any], facts: Facts, name: str) -> Verdict:
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    days = {part.strip().lower()[:3] for part in _list(wanted)}
    spoken = [str(WEEKDAYS_ABBR[place]) for place, day in enumerate(names) if day in days]
    return Verdict(names[now.weekday()] in days, f"{WEEKDAYS_ABBR[now.weekday()]} – {', '.join(spoken)}")


OPERATORS: dict[str, Operator] = {
    "equals": _plain(gettext_lazy("equals"), _same, "=", "≠"),
    "not_equals": _plain(gettext_lazy("does not equal"), lambda a, b: not _same(a, b), "≠", "="),
    "contains": _plain(gettext_lazy("contains"), lambda a, b: fold(_text(b)) in fold(_text(a)), "∋", "∌"),
    "not_contains": _plain(
        gettext_lazy("does not contain"), lambda a, b: fold(_text(b)) not in fold(_text(a)), "∌", "∋"
    ),
    "starts_with": _plain(
        gettext_lazy("starts with"), lambda a, b: fold(_text(a)).startswith(fold(_text(b))), "→", "↛"
    ),
    "one_of": _plain(gettext_lazy("is one of"), lambda a, b: any(_same(a, x) for x in _list(b)), "∈", "∉"),
    "none_of": _plain(gettext_lazy("is none of"), lambda a, b: not any(_same(a, x) for x in _list(b)), "∉", "∈"),
    "more_than": _compared(gettext_lazy("is more than"), lambda a, b: a > b, ">", "≤"),
    "at_least": _compared(gettext_lazy("is at least"), lambda a, b: a >= b, "≥", "<"),
    "less_than": _compared(gettext_lazy("is less than"), lambda a, b: a < b, "<", "≥"),
    "at_most": _compared(gettext_lazy("is at most"), lambda a, b: a <= b, "≤", ">"),
    "between": Operator(gettext_lazy("is between"), _between),
    "is_empty": _presence(gettext_lazy("is empty"), True),
    "is_filled": _presence(gettext_lazy("is filled"), False),
    "is_true": _truth(gettext_lazy("is yes"), True),
    "is_false": _truth(gettext_lazy("is no"), False),
    "last_days": _days(gettext_lazy("in the last … days"), -1),
    "next_days": _days(gettext_lazy("in the next … days"), 1),
    "became": _changed(gettext_lazy("became"), False),
    "changed": _changed(gettext_lazy("changed from, to"), True),
    "time_between": Operator(gettext_lazy("time of day is between"), _time_between),
    "weekday_is": Operator(gettext_lazy("weekday is"), _weekday),
}
_OF_TIME = {"time_between", "weekday_is"}
