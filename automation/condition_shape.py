"""How the comparisons of a condition stand together: groups in groups, as the builder shows them, and the stored tree.

A shape names comparisons by their numbers in the form: {"glue": "all", "parts": [1, {"glue": "none", "parts": [2, 3]}]}.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

GLUES = [
    ("all", gettext_lazy("all of these hold")),
    ("any", gettext_lazy("any of these holds")),
    ("none", gettext_lazy("none of these holds")),
    ("not_all", gettext_lazy("not all of these hold")),
]
DEEPEST = 8
Shape = dict[str, Any]
Leaf = dict[str, Any]


def shape_of(tree: dict[str, Any]) -> tuple[Shape, dict[int, Leaf]]:
    """Of a stored tree: its groups, and its comparisons by number (from 1 on, as they are read)."""
    leaves: dict[int, Leaf] = {}

    def part(node: Any) -> Any:
        if not isinstance(node, dict) or not node:
            return {"glue": "all", "parts": []}
        if "op" in node:
            leaves[len(leaves) + 1] = node
            return len(leaves)
        if "not" in node:
            return _negated(node["not"])
        glue = "any" if "any" in node else "all"
        parts = node.get(glue)
        return {"glue": glue, "parts": [part(one) for one in parts] if isinstance(parts, list) else []}

    def _negated(inner: Any) -> Shape:
        found = part(inner)
        if isinstance(found, dict) and found["glue"] in ("any", "all"):
            return {"glue": "none" if found["glue"] == "any" else "not_all", "parts": found["parts"]}
        return {"glue": "none", "parts": [found]}

    found = part(tree)
    return found if isinstance(found, dict) else {"glue": "all", "parts": [found]}, leaves


def depth_of(shape: Shape) -> int:
    """Of groups within the outermost one."""
    return max((depth_of(part) + 1 for part in shape["parts"] if isinstance(part, dict)), default=0)


def read(text: str, numbers: Collection[int]) -> Shape | None:
    """What the page sent; None: it sent none, and comparisons stand side by side. Raises ValidationError.

    Args:
        numbers: of the comparisons that were sent; one that the shape does not name joins its outermost group.
    """
    if not text:
        return None
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValidationError(_("It has a value that cannot be read.")) from error
    named: set[int] = set()

    def part(node: Any, depth: int) -> Any:
        if isinstance(node, int) and not isinstance(node, bool) and node in numbers and node not in named:
            named.add(node)
            return node
        parts = node.get("parts") if isinstance(node, dict) else None
        if not isinstance(parts, list) or node["glue"] not in dict(GLUES) or depth > DEEPEST:
            raise ValidationError(_("It has a value that cannot be read."))
        return {"glue": node["glue"], "parts": [part(one, depth + 1) for one in parts]}

    try:
        found = part(sent, 0)
    except (KeyError, TypeError) as error:
        raise ValidationError(_("It has a value that cannot be read.")) from error
    if isinstance(found, int):
        raise ValidationError(_("It has a value that cannot be read."))
    found["parts"] += sorted(set(numbers) - named)
    return dict(found)


def tree_of(shape: Shape, leaves: dict[int, Leaf]) -> dict[str, Any]:
    """As it is stored; what says nothing is left out, and a whole without anything is no condition."""
    found = _node(shape, leaves)
    return found if found is not None else {}


def _node(part: Any, leaves: dict[int, Leaf]) -> dict[str, Any] | None:
    if isinstance(part, int):
        return leaves.get(part)
    parts = [made for one in part["parts"] if (made := _node(one, leaves)) is not None]
    if not parts:
        return None
    if part["glue"] == "none":
        return {"not": parts[0] if len(parts) == 1 else {"any": parts}}
    return {"not": {"all": parts}} if part["glue"] == "not_all" else {part["glue"]: parts}
