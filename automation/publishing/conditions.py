"""A condition that a program or a text sent: judged, and its values typed as they are stored."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from automation.condition_form import PATH_OF, Readable
from automation.conditions import OPERATORS

PARTS = {"all", "any", "not", "field", "op", "value", "value_field"}
MOST_PARTS = 100  # of one all or any


def typed_condition(tree: Any, readable: Readable, currency: str, depth: int = 0) -> dict[str, Any]:
    """The tree with its values as they are stored. Raises ValidationError in words for one that could not be judged: an
    unknown field, a comparison that does not fit it, a value that the form would refuse."""
    if not isinstance(tree, dict) or depth > 10:
        raise ValidationError(_("A condition is an object of all, any, not, or field, op and value."))
    if not tree:
        return {}
    if ({"all", "any", "not"} & set(tree) and len(tree) != 1) or set(tree) - PARTS:
        raise ValidationError(_("A condition is an object of all, any, not, or field, op and value."))
    for glue in ("all", "any"):
        if glue in tree:
            if not isinstance(tree[glue], list) or len(tree[glue]) > MOST_PARTS:
                raise ValidationError(_("“%s” takes a list.") % glue)
            # A group without parts says nothing: the engine, a database and the builder would each read it otherwise.
            parts = [typed_condition(part, readable, currency, depth + 1) for part in tree[glue]]
            kept = [part for part in parts if part]
            return {glue: kept} if kept else {}
    if "not" in tree:
        inner = typed_condition(tree["not"], readable, currency, depth + 1)
        return {"not": inner} if inner else {}
    return _typed_leaf(tree, readable, currency)


def _of_result(leaf: dict[str, Any], operator: Any) -> dict[str, Any]:
    """Of what an earlier rule will give: its type is known when it has run, how many values are compared is known now."""
    value = leaf.get("value")
    several = value if isinstance(value, list) else [] if value in (None, "") else [value]
    if any(isinstance(one, list | dict | bool) or one is None for one in several):
        raise ValidationError(_("A single text or number is needed here."))
    wanted = {"one": (1, 1), "days": (1, 1), "two": (2, 2), "many": (1, MOST_PARTS)}.get(operator.takes, (0, 0))
    if not leaf.get("value_field") and not wanted[0] <= len(several) <= wanted[1]:
        raise ValidationError(_("What shall it be compared with?"))
    if operator.takes == "days" and not str(several[0]).isdecimal():
        raise ValidationError(_("“%s” is not a number of days.") % str(several[0])[:40])
    return leaf


def _typed_leaf(leaf: dict[str, Any], readable: Readable, currency: str) -> dict[str, Any]:
    op = str(leaf.get("op", ""))
    operator = OPERATORS.get(op)
    if operator is None:
        raise ValidationError(_("There is no comparison “%s”.") % op[:40])
    path = str(leaf.get("field") or PATH_OF.get(op, ""))
    kind, other = readable.type_of(path), str(leaf.get("value_field") or "")
    if path.startswith("rules."):
        return _of_result(leaf, operator)
    if kind is None or (other and not other.startswith("rules.") and readable.type_of(other) is None):
        raise ValidationError(_("The field “%s” no longer exists.") % (path if kind is None else other)[:80])
    if op not in kind.operators:
        raise ValidationError(_("This comparison does not fit the field."))
    made: dict[str, Any] = {"field": path, "op": op}
    if other:
        return made | {"value_field": other}
    value = leaf.get("value")
    if isinstance(value, list) and operator.takes in ("one", "days"):
        raise ValidationError(_("A single text or number is needed here."))
    if any(isinstance(one, list | dict) for one in (value if isinstance(value, list) else [value])):
        raise ValidationError(_("A single text or number is needed here."))
    several = value if isinstance(value, list) else [] if value is None else [value]
    asked = readable.asked(path, currency)
    texts = [str(one) if operator.takes == "days" else kind.shown(kind.from_json(one), asked) for one in several]
    typed = operator.typed(kind, texts, asked, apart=True)
    return made if typed is None else made | {"value": typed}
