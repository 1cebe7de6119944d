"""Orders of lists: a name in the address, the same with a minus the other way round, and heads to click on."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models.expressions import OrderBy

# By name: the label and the order of rows.
Sorts = Mapping[str, tuple[Any, tuple[Any, ...]]]


def names_of(sorts: Sorts) -> list[str]:
    """What may stand in an address."""
    return [*sorts, *(f"-{name}" for name in sorts if name)]


def order_of(sorts: Sorts, name: str) -> tuple[Any, ...]:
    """For `order_by`; nothing stands before something in no direction."""
    order = sorts[name.removeprefix("-")][1]
    return tuple(map(_turned, order)) if name.startswith("-") else order


def _turned(one: Any) -> Any:
    if isinstance(one, OrderBy):
        other = copy.copy(one)
        other.descending = not one.descending
        return other
    return one.removeprefix("-") if one.startswith("-") else f"-{one}"


@dataclass(frozen=True)
class Head:
    """A column's head: where a click leads, and how the list stands now ("ascending", "descending" or "")."""

    label: Any
    query: str
    direction: str
    css: str = ""


def heads(
    columns: Iterable[tuple[str, Any, str]], falling: Iterable[str], sort: str, pairs: Iterable[tuple[str, str]]
) -> list[Head]:
    """
    Args:
        columns: (name of the order or "", label, class), as they stand.
        falling: names whose plain order begins with the largest or newest.
        sort: the order that the list has now; pairs: the filter as it stands in the address.
    """
    kept = [(name, value) for name, value in pairs if name != "sort"]
    made = []
    for name, label, css in columns:
        is_on = bool(name) and sort.removeprefix("-") == name
        is_turned = is_on and sort.startswith("-")
        direction = ("descending" if (name in falling) != is_turned else "ascending") if is_on else ""
        leads_to = f"-{name}" if is_on and not is_turned else name
        made.append(Head(label, urlencode([*kept, ("sort", leads_to)]) if name else "", direction, css))
    return made
