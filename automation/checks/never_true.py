"""A condition that no card can meet."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, checks, together
from automation.document import RULE, STAGE
from automation.models import Rule

# Of a card that stands on a stage, both are that stage.
STAGES = ("stage", "item.stage")
LOWER, UPPER = ("more_than", "at_least"), ("less_than", "at_most")
Leaf = dict[str, Any]


@checks.register
class NeverTrue(Check):
    """Values that one field cannot have together, a span without inside, or another stage than the rule's own."""

    key = "never_true"
    label = _("Its condition is never met")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        for one in [*checked.rules, *checked.triggers]:
            stays = one.kind == RULE and one.spot.place.kind == STAGE and one.part.on_leave == Rule.OnLeave.CANCEL
            own = one.spot.place.key if stays else ""  # a rule that is kept runs wherever the card is by then
            leaves = [leaf for leaf in together(one.part.condition) if not leaf.get("value_field")]
            if _excluded(leaves, own, checked) or _spans_nothing(leaves):
                words = _now("No card can meet this condition: its parts rule each other out.")
                yield self.found(f"{one.path}.condition", words)


def _excluded(leaves: list[Leaf], own_stage: str, checked: Checked) -> bool:
    wanted: dict[str, set[str]] = {}
    for leaf in leaves:
        field, value = str(leaf["field"]), leaf.get("value")
        kind = checked.readable.type_of(field)
        if leaf.get("op") not in ("equals", "one_of") or kind is None or kind.lists:
            continue
        allowed = {str(one).casefold() for one in (value if isinstance(value, list) else [value])}
        if field in STAGES and own_stage and own_stage not in allowed:
            return True
        wanted[field] = wanted[field] & allowed if field in wanted else allowed
    empty = [str(leaf["field"]) for leaf in leaves if leaf.get("op") == "is_empty"]
    filled = [str(leaf["field"]) for leaf in leaves if leaf.get("op") == "is_filled"]
    return any(not values for values in wanted.values()) or any(field in wanted or field in filled for field in empty)


def _spans_nothing(leaves: list[Leaf]) -> bool:
    lowest: dict[str, Decimal] = {}
    highest: dict[str, Decimal] = {}
    for leaf in leaves:
        number = _number(leaf.get("value"))
        if number is None:
            continue
        field = str(leaf["field"])
        if leaf.get("op") in LOWER:
            lowest[field] = max(number, lowest.get(field, number))
        elif leaf.get("op") in UPPER:
            highest[field] = min(number, highest.get(field, number))
    strict = {
        (str(leaf["field"]), _number(leaf.get("value")))
        for leaf in leaves
        if leaf.get("op") in ("more_than", "less_than")
    }
    return any(
        field in highest and (low > highest[field] or (low == highest[field] and (field, low) in strict))
        for field, low in lowest.items()
    )


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
