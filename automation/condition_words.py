"""A condition as people read it, made from the very tree that is judged: "amount is more than 5,000 and stage equals New"."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from automation.condition_form import PATH_OF, Readable
from automation.conditions import OPERATORS
from crm.fields import FieldType, type_of


def condition_words(tree: Any, readable: Readable) -> str:
    """Empty for no condition. What nobody describes any more stands by its path, what cannot be read as it is."""
    return _words(tree, readable, inner=False) if isinstance(tree, dict) and tree else ""


def _words(tree: Any, readable: Readable, inner: bool) -> str:
    if not isinstance(tree, dict):
        return str(tree)
    for glue, between in (("all", _(" and ")), ("any", _(" or "))):
        if isinstance(tree.get(glue), list):
            parts = [_words(part, readable, inner=True) for part in tree[glue]]
            told = between.join(parts)
            return f"({told})" if inner and len(parts) > 1 else told
    if "not" in tree:
        return _("not (%s)") % _words(tree["not"], readable, inner=False)
    return _leaf(tree, readable)


def _leaf(leaf: dict[str, Any], readable: Readable) -> str:
    op = str(leaf.get("op", ""))
    path = str(leaf.get("field") or PATH_OF.get(op, ""))
    kind, operator = readable.type_of(path), OPERATORS.get(op)
    label = readable.labels.get(path, path)
    sign = str(kind.words.get(op, operator.label) if kind and operator else operator.label if operator else op)
    if leaf.get("value_field"):
        other = str(leaf["value_field"])
        return f"{label} {sign} “{readable.labels.get(other, other)}”"
    if operator is not None and not operator.takes:
        return f"{label} {sign}"
    value = leaf.get("value")
    several = value if isinstance(value, list) else [value]
    days = operator is not None and operator.takes == "days"
    told = [str(one) if days else _told(kind, one, readable.options.get(path, ())) for one in several]
    if operator is not None and operator.takes == "two" and len(told) == 2:
        between = _("%(label)s %(sign)s %(low)s and %(high)s")
        return between % {"label": label, "sign": sign, "low": told[0], "high": told[1]}
    if days and "…" in sign and told:
        return f"{label} {sign.replace('…', told[0])}"
    return f"{label} {sign} {', '.join(told)}"


def _told(kind: FieldType | None, value: Any, options: Any) -> str:
    named = {str(key): str(label) for key, label in options}
    if str(value) in named:
        return named[str(value)]
    try:
        told = (kind or type_of("text")).told(value)
    except (ValidationError, ArithmeticError, ValueError, TypeError):
        told = ""
    return told or (_("empty") if value in (None, "") else str(value))
