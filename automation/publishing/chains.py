"""Chains of rules in a document: one is taken out or put behind another, and what followed keeps its sense."""

from __future__ import annotations

from typing import Any

from automation.document import RULE, Document, Place
from automation.models import Rule


def take_out(document: Document, id: str) -> tuple[Any, Place]:
    """What followed it follows the one before it; where it was the head, the next one starts by itself. Raises KeyError."""
    found = document.find(id)
    if found is None:
        raise KeyError(id)
    _kind, spot, part = found
    rules = document.rules_of(spot.place)
    places = [number for number, rule in enumerate(rules) if rule.id == id]
    following = rules[places[0] + 1] if places and places[0] + 1 < len(rules) else None
    document.remove(id)
    if following is not None and following.after_previous and not part.after_previous:
        following.after_previous = ""
    return part, spot.place


def start_after(document: Document, id: str) -> None:
    """The rule starts when the one before it was done."""
    found = document.find(id)
    if found is not None:
        found[2].after_previous = Rule.After.DONE


def put_last(document: Document, id: str) -> None:
    part, place = take_out(document, id)
    document.add(RULE, place, part)


def follow(document: Document, id: str, other: str) -> None:
    """The rule stands behind the other one's chain, and starts when that was done."""
    part, place = take_out(document, id)
    put_behind(document, place, part, other)
    part.after_previous = Rule.After.DONE


def put_behind(document: Document, place: Place, part: Any, other: str) -> None:
    """Behind the whole chain in which the other one stands, so that nothing comes to follow something else."""
    rules = document.rules_of(place)
    index = next(number for number, rule in enumerate(rules) if rule.id == other) + 1
    while index < len(rules) and rules[index].after_previous:
        index += 1
    document.add(RULE, place, part, index)
