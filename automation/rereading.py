"""Conditions stored as texts, read again by the types of their fields (the migration of 28 November 2026).

Until then "1,500" was one and a half, a list was parted at each comma, and "sobota" was no day. What means the same is
stored typed; what would mean something else, or cannot be judged, is told, and its rule waits until somebody confirms it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError

from automation.conditions import OPERATORS
from crm.fields import Asked, FieldType
from crm.ground.dates import WEEKDAYS


@dataclass(frozen=True)
class Change:
    """Of one comparison that is not what it was. Args: old, new: readings for people; empty: cannot be judged."""

    field: str
    op: str
    text: str
    old: str
    new: str


def reread(
    tree: dict[str, Any], type_of_path: Callable[[str], FieldType | None], currency: str
) -> tuple[dict[str, Any], list[Change]]:
    """The tree with typed values, and what in it changed its meaning.

    Args:
        type_of_path: None for a path that nobody describes: its comparison is left as it is.
        currency: ISO code of the pipeline's amounts.
    """
    if not isinstance(tree, dict):
        return tree, []
    for glue in ("all", "any"):
        if isinstance(tree.get(glue), list):
            parts = [reread(part, type_of_path, currency) for part in tree[glue]]
            return {**tree, glue: [part for part, _changes in parts]}, [c for _part, found in parts for c in found]
    if "not" in tree:
        inner, changes = reread(tree["not"], type_of_path, currency)
        return {**tree, "not": inner}, changes
    return _leaf(tree, type_of_path, currency) if "op" in tree else (tree, [])


def _leaf(leaf: dict[str, Any], type_of_path: Callable[[str], FieldType | None], currency: str) -> Any:
    path, op, value = str(leaf.get("field", "")), str(leaf["op"]), leaf.get("value")
    operator = OPERATORS.get(op)
    if operator is None or leaf.get("value_field"):
        return leaf, []
    if operator.of:
        path = {"time": "now.time", "weekday": "now.weekday"}.get(operator.of.key, path)
    kind = type_of_path(path)
    if kind is None:
        return leaf, []
    if not operator.takes:
        # So far any value was true or false; now yes and no alone are.
        fits = operator.of is None or kind.key == operator.of.key
        return leaf, [] if fits else [Change(path, op, "", str(operator.label), "")]
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "")
    if kind.key == "boolean" and op in ("equals", "not_equals"):
        return _boolean(path, op, text), []
    old = _old(kind, op, value)
    texts = [str(one) for one in value] if isinstance(value, list) else [text]
    try:
        if op not in kind.operators:
            raise ValidationError("")
        typed = operator.typed(kind, texts, Asked(currency=currency))
        new = _new(kind, operator.takes, typed)
    except (ValidationError, OverflowError, ValueError):
        # It cannot be judged: it stays as it was typed, and fails in words if it is confirmed all the same.
        return leaf, [Change(path, op, text, _words(old), "")]
    changes = [] if old == new else [Change(path, op, text, _words(old), _words(new))]
    return {**leaf, "field": path, "value": typed}, changes


def _boolean(path: str, op: str, text: str) -> dict[str, Any]:
    """Whatever was no yes meant no; an empty field equalled neither."""
    if text.lower() in ("1", "true", "on", "yes"):
        return {"field": path, "op": "is_true" if op == "equals" else "is_false"}
    if op == "equals":
        return {"all": [{"field": path, "op": "is_filled"}, {"field": path, "op": "is_false"}]}
    return {"any": [{"field": path, "op": "is_empty"}, {"field": path, "op": "is_true"}]}


def _new(kind: FieldType, takes: str, typed: Any) -> list[Any]:
    if takes == "days":
        return [Decimal(typed)]
    found = [kind.from_json(one) for one in (typed if isinstance(typed, list) else [typed])]
    return sorted(found, key=WEEKDAYS.index) if kind.key == "weekday" else found


def _old(kind: FieldType, op: str, value: Any) -> list[Any] | None:
    """What the comparison was made with so far; None: it failed, or never came true."""
    several = value if isinstance(value, list) else [part.strip() for part in str(value or "").split(",")]
    takes = OPERATORS[op].takes
    try:
        if kind.key == "time":
            return [time.fromisoformat(str(part)) for part in several[:2]]
        if kind.key == "weekday":
            said = {str(part).strip().lower()[:3] for part in several}
            return [day for day in WEEKDAYS if day in said] or None
        if takes == "days":
            return [Decimal(int(_number(value)))]
        one = several[:2] if takes == "two" else several if takes == "many" else [value]
        if kind.key in ("number", "money"):
            return [_number(part) for part in one]
        if kind.key in ("date", "datetime"):
            return [date.fromisoformat(str(part)[:10]) for part in one]
        return [kind.from_json(part) for part in one]
    except (ValueError, OverflowError, InvalidOperation, ValidationError):
        return None


def _number(value: Any) -> Decimal:
    return Decimal(str(value).replace("\u00a0", "").replace(" ", "").replace(",", "."))


def _words(values: list[Any] | None) -> str:
    shown = ("" if values is None else [f"{v:%H:%M}" if isinstance(v, time) else str(v) for v in values]) or []
    return ", ".join(shown)
