"""Stages between which rules, and triggers that rules set off, may send a card round and round."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, Seen, checks
from automation.document import STAGE
from automation.models import MOST_NESTED

MOST = 10  # circles that are told


@checks.register
class Loop(Check):
    """The engine stops a card after a number of automatic moves; this says so before it happens."""

    key = "loop"
    label = _("A possible loop")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        edges = _edges(checked)
        for _number in range(MOST):
            graph: dict[str, set[str]] = {}
            for source, target in edges:
                graph.setdefault(target, set()).add(source)
            try:
                TopologicalSorter(graph).prepare()
            except CycleError as error:
                circle = _turned(error.args[1], list(checked.live.stages))
            else:
                return
            rule = edges.pop((circle[0], circle[1]), None)
            names = " → ".join(checked.stage_name(key) for key in circle)
            if rule is None:
                return
            yield self.found(rule.path, _now("Cards may go round and round: %s.") % names)


def _turned(circle: list[str], order: list[str]) -> list[str]:
    """The same circle, told from its earliest stage on."""
    start = min(range(len(circle) - 1), key=lambda number: order.index(circle[number]))
    return [*circle[start:-1], *circle[:start], circle[start]]


def _callers(checked: Checked) -> dict[str, set[str]]:
    """By the id of a set the stages that call it, also by way of other sets."""
    called = [
        (str(one.part.settings.get("rule_set")), one.spot.place)
        for one in checked.rules
        if one.part.action == "run_rule_set"
    ]
    found: dict[str, set[str]] = {}
    for _depth in range(MOST_NESTED + 1):
        for id, place in called:
            found.setdefault(id, set()).update({place.key} if place.kind == STAGE else found.get(place.key, set()))
    return found


def _edges(checked: Checked) -> dict[tuple[str, str], Seen]:
    """From stage to stage (ids), with the rule that sends cards along; rules of sets count at each stage that calls them."""
    calls = _callers(checked)
    order = {key: number for number, key in enumerate(checked.live.stages)}
    heard: dict[str, set[tuple[str, bool]]] = {}
    for trigger in checked.triggers:
        for kind in trigger.type.events:
            heard.setdefault(kind, set()).add((trigger.spot.place.key, trigger.part.allow_moving_back))
    found: dict[tuple[str, str], Seen] = {}
    for rule in checked.rules:
        place = rule.spot.place
        for source in {place.key} if place.kind == STAGE else calls.get(place.key, set()):
            target = rule.moves_to
            if target is not None and str(target.pk) != source:
                found.setdefault((source, str(target.pk)), rule)
            for there, back in {one for kind in rule.type.causes for one in heard.get(kind, ())}:
                onward = back or order.get(there, 0) > order.get(source, 0)
                if there != source and onward:
                    found.setdefault((source, there), rule)
    return found
