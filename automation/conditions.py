"""Conditions: a tree of all / any / not over field, operator, value (E23 to E25). Pure; explains what it read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automation.facts import CannotJudge, Facts, Verdict
from crm.fields import Asked, FieldType, type_of, type_of_value
from crm.fields.boolean import Boolean
from crm.fields.clock_time import ClockTime
from crm.fields.day import Date
from crm.fields.number import Number
from crm.fields.record import Record
from crm.fields.weekday import Weekday
from crm.ground.dates import WEEKDAYS
from crm.ground.folding import fold
from crm.ground.sentences import all_of, first_of, said

NUMBER = Number()


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
        spoken = [v.sentence for v in chosen if v.sentence]
        return Verdict(result, all_of(spoken) if spoken else "")
    if "not" in tree:
        inner = judge(tree["not"], facts)
        return Verdict(not inner.true, inner.sentence)
    return _leaf(tree, facts)


def _leaf(leaf: dict[str, Any], facts: Facts) -> Verdict:
    operator = OPERATORS.get(str(leaf.get("op", "")))
    if operator is None:
        raise CannotJudge(said("condition.no_comparison", "There is no comparison “%s”.") % leaf.get("op", ""))
    try:
        verdict = operator.test(Case(leaf, facts, operator))
    except ValidationError as error:
        raise CannotJudge(first_of(error)) from error
    except (OverflowError, ValueError, TypeError, IndexError) as error:
        raise CannotJudge(
            said("condition.not_reckoned", "“%s” cannot be reckoned with.") % leaf.get("value")
        ) from error
    paths = [str(leaf.get(name) or "") for name in ("field", "value_field")]
    if not any(map(facts.hides, paths)):
        return verdict
    words = said("condition.hidden_true", "%s is as asked for")
    if not verdict.true:
        words = said("condition.hidden_false", "%s is not as asked for")
    return Verdict(verdict.true, words % facts.labels(paths[0]))


@dataclass(frozen=True)
class Case:
    """One comparison with the values that it reads, typed. What cannot be read raises ValidationError, CannotJudge."""

    leaf: dict[str, Any]
    facts: Facts
    operator: Operator

    def _value(self, path: str) -> Any:
        try:
            return self.facts.values(path)
        except KeyError as error:
            raise CannotJudge(said("condition.field_gone", "The field “%s” no longer exists.") % path) from error

    @property
    def path(self) -> str:
        return str(self.leaf.get("field", ""))

    @property
    def label(self) -> Any:
        return self.facts.labels(self.path)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.facts.zone)

    @cached_property
    def now(self) -> datetime:
        return self.facts.now.astimezone(self.zone)

    @cached_property
    def raw(self) -> Any:
        return self._value(self.path)

    @cached_property
    def type(self) -> FieldType:
        if self.operator.of:
            return self.operator.of
        described = self.facts.types(self.path)
        found = type_of(described) if described else type_of_value(self.raw)
        # A text that is asked to be more than something has to be a number.
        return NUMBER if self.operator.orders and "more_than" not in found.operators else found

    @cached_property
    def actual(self) -> Any:
        return self.type.from_json(self.raw)

    @cached_property
    def wanted(self) -> Any:
        """One value; a list of them where the operator takes several."""
        asked = self._value(str(self.leaf["value_field"])) if self.leaf.get("value_field") else self.leaf.get("value")
        if self.operator.takes == "days":
            return int(NUMBER.from_json(asked) or 0)
        if self.operator.takes in ("two", "many"):
            several = asked if isinstance(asked, list) else self.type.parts(str(asked or ""))
            return [self.type.from_json(one) for one in several]
        return self.type.from_json(asked)

    def same(self, value: Any, other: Any) -> bool:
        return self.type.same(value, other, self.zone)

    def ordered(self, other: Any) -> tuple[Any, Any]:
        """Both sides as they compare."""
        if other is None:
            raise CannotJudge(said("condition.nothing", "“%s” is compared with nothing.") % self.label)
        return self.type.comparable(self.actual, other, self.zone), self.type.comparable(other, self.actual, self.zone)


# ---------------------------------------------------------------------- comparing


def _text(value: Any) -> str:
    """A value as it is searched."""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _told(value: Any, kind: FieldType | None = None) -> Any:
    """A value in a sentence: as it is, for each reader's language and clock; a record by its name."""
    if isinstance(value, list):
        return [_told(one, kind) for one in value]
    if isinstance(kind, Record):
        return kind.told(value) or gettext_lazy("empty")
    if isinstance(value, bool):
        return gettext_lazy("yes") if value else gettext_lazy("no")
    return gettext_lazy("empty") if value in (None, "") else value


def _compares(case: Case, true: bool, sign: Any, otherwise: Any) -> Verdict:
    """ "amount 3 000 < 5 000", with the sign of what holds."""
    words = {"field": case.label, "value": _told(case.actual, case.type), "sign": sign if true else otherwise}
    words["wanted"] = _told(case.wanted, case.type)
    return Verdict(true, said("condition.compared", "%(field)s %(value)s %(sign)s %(wanted)s") % words)


@dataclass(frozen=True)
class Operator:
    """A comparison.

    Args:
        takes: what it compares with: "one" value, "two", "many", a number of "days", or "" for none.
        of: the type of field that it alone reads, whatever the path; None: the field's own.
        orders: asks which is more.
        of_part: asks for a part of the value, which need not be a whole one ("+48").
    """

    label: Any
    test: Callable[[Case], Verdict]
    takes: str = "one"
    of: FieldType | None = None
    orders: bool = False
    of_part: bool = False

    def typed(self, kind: FieldType, texts: list[str], asked: Asked, *, apart: bool = False) -> Any:
        """What people typed, as it is stored. Raises ValidationError in words for what could not be judged.

        Args:
            apart: each text is one value (ticks, lines); else a single text may hold several.
        """
        texts = [text for text in texts if text.strip()]
        if not self.takes:
            return None
        if not texts:
            raise ValidationError(_("What shall it be compared with?"))
        if self.takes == "one":
            return kind.to_json(kind.read_part(texts[0]) if self.of_part else kind.read(texts[0], asked))
        if self.takes == "days":
            return _days_typed(texts[0])
        parts = texts if apart or len(texts) > 1 else kind.parts(texts[0])
        values = [kind.read(part, asked) for part in parts]
        if self.takes == "two" and len(values) != 2:
            raise ValidationError(said("condition.two_values", "Two values are needed: from, and to."))
        if self.orders and values[0] > values[1]:
            raise ValidationError(_("The first value is larger than the second."))
        return [kind.to_json(value) for value in values]


def _days_typed(text: str) -> int:
    days = NUMBER.read(text)
    if days != int(days) or not 0 <= days <= 36_500:
        raise ValidationError(_("“%s” is not a number of days.") % text.strip()[:40])
    return int(days)


def _plain(
    label: Any, holds: Callable[[Case], bool], sign: Any, otherwise: Any, takes: str = "one", of_part: bool = False
) -> Operator:
    def test(case: Case) -> Verdict:
        return _compares(case, holds(case), sign, otherwise)

    return Operator(label, test, takes, of_part=of_part)


def _compared(label: Any, function: Callable[[Any, Any], bool], sign: str, otherwise: str) -> Operator:
    def test(case: Case) -> Verdict:
        # An empty field is neither more nor less than anything.
        true = case.actual is not None and function(*case.ordered(case.wanted))
        return _compares(case, true, sign, otherwise)

    return Operator(label, test, orders=True)


def _between(case: Case) -> Verdict:
    if len(case.wanted) != 2:
        raise CannotJudge(said("condition.two_values", "Two values are needed: from, and to."))
    low, high = case.wanted
    true = case.actual is not None
    for edge, sign in ((low, 1), (high, -1)):
        mine, theirs = case.ordered(edge)
        true = true and (mine >= theirs if sign > 0 else mine <= theirs)
    words = said("condition.between", "%(name)s %(value)s is between %(low)s and %(high)s")
    if not true:
        words = said("condition.not_between", "%(name)s %(value)s is not between %(low)s and %(high)s")
    values = {"name": case.label, "value": _told(case.actual), "low": _told(low), "high": _told(high)}
    return Verdict(true, words % values)


def _presence(label: Any, wants_empty: bool) -> Operator:
    def test(case: Case) -> Verdict:
        # As it is kept: what cannot be read any more is not empty.
        empty = case.raw in (None, "", [], {})
        return Verdict(
            empty == wants_empty,
            (said("condition.empty", "%s is empty") if empty else said("condition.filled", "%s is filled"))
            % case.label,
        )

    return Operator(label, test, takes="")


def _truth(label: Any, wants: bool) -> Operator:
    def test(case: Case) -> Verdict:
        words = {"name": case.label, "value": _told(bool(case.actual))}
        return Verdict(bool(case.actual) == wants, said("condition.truth", "%(name)s: %(value)s") % words)

    return Operator(label, test, takes="", of=Boolean())


def _days(label: Any, sign: int) -> Operator:
    def test(case: Case) -> Verdict:
        if case.actual is None:
            return Verdict(False, said("condition.empty", "%s is empty") % case.label)
        kind, today = Date(), case.now.date()
        day = kind.comparable(kind.from_json(case.raw), today, case.zone)
        edge = today + timedelta(days=case.wanted * sign)
        words = said("condition.days", "%(name)s: %(value)s") % {"name": case.label, "value": day}
        return Verdict(min(today, edge) <= day <= max(today, edge), words)

    return Operator(label, test, takes="days")


def _changed(label: Any, both: bool) -> Operator:
    def test(case: Case) -> Verdict:
        field, changes = case.path.removeprefix("item."), case.facts.changes or {}
        old, new = (case.type.from_json(side) for side in changes.get(field, [None, None]))
        start, end = [*case.wanted, None, None][:2] if both else (None, case.wanted)
        true = field in changes and case.same(new, end) and (not both or case.same(old, start))
        words = {"name": case.label, "old": _told(old, case.type), "new": _told(new, case.type)}
        return Verdict(true, said("condition.changed", "%(name)s: %(old)s → %(new)s") % words)

    return Operator(label, test, takes="two" if both else "one")


def _time_between(case: Case) -> Verdict:
    if len(case.wanted) != 2:
        raise CannotJudge(said("condition.two_values", "Two values are needed: from, and to."))
    (start, end), here = case.wanted, case.now.time().replace(tzinfo=None)
    # A night range goes over midnight.
    true = start <= here < end if start <= end else here >= start or here < end
    words = said("condition.time_between", "%(time)s is between %(low)s and %(high)s")
    if not true:
        words = said("condition.time_not_between", "%(time)s is not between %(low)s and %(high)s")
    return Verdict(true, words % {"time": here, "low": start, "high": end})


def _weekday(case: Case) -> Verdict:
    days = set(case.wanted)
    today = case.now.weekday()
    words = {
        "today": WEEKDAYS_ABBR[today],
        "days": [name for place, name in WEEKDAYS_ABBR.items() if WEEKDAYS[place] in days],
    }
    return Verdict(WEEKDAYS[today] in days, said("condition.weekday", "%(today)s – %(days)s") % words)


def _folded(case: Case) -> tuple[str, str]:
    """The field's text and what it is searched for."""
    sides = ("" if side is None else _text(side) for side in (case.actual, case.wanted))
    whole, part = (fold(case.type.searched(side)) for side in sides)
    return whole, part


def _holds(case: Case) -> bool:
    whole, part = _folded(case)
    return part in whole


def _among(case: Case) -> bool:
    return any(case.same(case.actual, one) for one in case.wanted)


def _equal(case: Case) -> bool:
    return case.same(case.actual, case.wanted)


def _starts(case: Case) -> bool:
    whole, part = _folded(case)
    return whole.startswith(part)


_is, _contains, _begins = gettext_lazy("is one of"), gettext_lazy("contains"), gettext_lazy("starts with")
_is_not, _contains_not = gettext_lazy("is none of"), gettext_lazy("does not contain")
_begins_not = gettext_lazy("does not start with")
OPERATORS: dict[str, Operator] = {
    "equals": _plain(gettext_lazy("equals"), _equal, "=", "≠"),
    "not_equals": _plain(gettext_lazy("does not equal"), lambda case: not _equal(case), "≠", "="),
    "contains": _plain(_contains, _holds, _contains, _contains_not, of_part=True),
    "not_contains": _plain(_contains_not, lambda case: not _holds(case), _contains_not, _contains, of_part=True),
    "starts_with": _plain(_begins, _starts, _begins, _begins_not, of_part=True),
    "one_of": _plain(_is, _among, _is, _is_not, "many"),
    "none_of": _plain(_is_not, lambda case: not _among(case), _is_not, _is, "many"),
    "more_than": _compared(gettext_lazy("is more than"), lambda a, b: a > b, ">", "≤"),
    "at_least": _compared(gettext_lazy("is at least"), lambda a, b: a >= b, "≥", "<"),
    "less_than": _compared(gettext_lazy("is less than"), lambda a, b: a < b, "<", "≥"),
    "at_most": _compared(gettext_lazy("is at most"), lambda a, b: a <= b, "≤", ">"),
    "between": Operator(gettext_lazy("is between"), _between, "two", orders=True),
    "is_empty": _presence(gettext_lazy("is empty"), True),
    "is_filled": _presence(gettext_lazy("is filled"), False),
    "is_true": _truth(gettext_lazy("is yes"), True),
    "is_false": _truth(gettext_lazy("is no"), False),
    "last_days": _days(gettext_lazy("in the last … days"), -1),
    "next_days": _days(gettext_lazy("in the next … days"), 1),
    "became": _changed(gettext_lazy("became"), False),
    "changed": _changed(gettext_lazy("changed from, to"), True),
    "time_between": Operator(gettext_lazy("time of day is between"), _time_between, "two", of=ClockTime()),
    "weekday_is": Operator(gettext_lazy("weekday is"), _weekday, "many", of=Weekday()),
}
