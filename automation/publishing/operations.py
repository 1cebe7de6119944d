"""Gestures of the designer: each a small change of the document, one function each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from automation import checking
from automation.base import Scope, action_of, actions, trigger_types
from automation.document import RULE, SET, STAGE, TRIGGER, Document, Place, RulePart, SetPart, TriggerPart
from automation.models import Rule, RuleSet
from automation.publishing import chains
from automation.publishing.keys import free_key
from automation.publishing.rows import Live


class CannotDo(Exception):
    """The sentence says why: what it was about is gone, or does not fit there."""


Asked = dict[str, Any]
Operation = Callable[[Document, Live, Asked], list[str]]


def place_of(text: str) -> Place:
    """ "stage-12", "set-follow-up". Raises CannotDo."""
    kind, _line, key = text.partition("-")
    if kind not in (STAGE, SET) or not key:
        raise CannotDo(_("There is no such place."))
    return Place(kind, key)


def checked_place(document: Document, live: Live, kind: str, asked: Asked) -> Place:
    place = place_of(asked.get("place", ""))
    stage = live.stages.get(place.key) if place.kind == STAGE else None
    if place.kind == STAGE and (stage is None or stage.retired):
        raise CannotDo(_("This stage no longer exists in the pipeline."))
    if place.kind == SET and (place.key not in document.sets or kind == TRIGGER):
        raise CannotDo(_("Triggers stand on stages.") if kind == TRIGGER else _("This rule set no longer exists."))
    return place


def _found(document: Document, id: str) -> tuple[str, Any, Any]:
    found = document.find(id)
    if found is None:
        raise CannotDo(_("It is not there any more: somebody has removed it meanwhile."))
    return found


def _taken(live: Live) -> set[str]:
    return {*live.rules, *live.triggers, *live.sets}


def _index(document: Document, kind: str, place: Place, before: str) -> int | None:
    """In front of the one of this id; None: at the end."""
    ids = [part.id for part in document.list_of(kind, place)]
    return ids.index(before) if before in ids else None


def initial_of(form: Any, scope: Scope) -> dict[str, Any]:
    """What stands in a new one's form at first, as raw data; what has to be chosen, and can be but one, is chosen."""
    made: dict[str, Any] = {}
    for name, one in form(scope=scope).fields.items():
        value = one.initial() if callable(one.initial) else one.initial
        several = isinstance(one, forms.ModelMultipleChoiceField)
        if (
            isinstance(one, forms.ModelChoiceField)
            and not several
            and one.required
            and one.queryset is not None
            and value is None
        ):
            rows = list(one.queryset.values_list("pk", flat=True)[:2])
            made |= {name: str(rows[0])} if len(rows) == 1 else {}
        elif isinstance(one, forms.BooleanField):
            made |= {name: "on"} if value else {}
        elif value not in (None, "", []) and not isinstance(value, list | tuple):
            made[name] = value.strftime("%H:%M") if hasattr(value, "strftime") else str(value)
    return made


def after_what(action: str) -> str:
    """How a rule that is added after one of this action starts: behind an approval nothing may happen before the answer."""
    return Rule.After.DONE if action_of(action).leads else Rule.After.NO


def add(document: Document, live: Live, asked: Asked) -> list[str]:
    """A new one of a type, at the end of its list or before another; ids of what was added."""
    kind, key = asked.get("kind", ""), asked.get("type", "")
    registries: dict[str, Any] = {RULE: actions, TRIGGER: trigger_types}
    found: Any = registries[kind].get(key) if kind in registries else None
    if found is None:
        raise CannotDo(_("“%s” is not installed.") % key[:60])
    place = checked_place(document, live, kind, asked)
    id = document.free_id(key, _taken(live))
    own: dict[str, Any] = {"id": id, "name": str(found.label)[:120], "settings": {}}
    stands = live.stages.get(place.key) if place.kind == STAGE else live.sets.get(place.key)
    scope = Scope(place=stands if stands is not None else RuleSet(pipeline=live.pipeline))
    own["settings"] = live.inside.inward(found, initial_of(found.Settings, scope))
    if kind == RULE:
        used = {rule.key for rule in document.rules_of(place)}
        index = _index(document, kind, place, asked.get("before", ""))
        before = document.rules_of(place)[:index][-1:]
        after = after_what(before[0].action) if before else ""
        part: Any = RulePart(action=key, key=free_key(key, used), after_previous=after, **own)
    else:
        part = TriggerPart(type=key, **own)
    document.add(kind, place, part, _index(document, kind, place, asked.get("before", "")))
    return [id]


def move(document: Document, live: Live, asked: Asked) -> list[str]:
    """One or several, in the order in which they stood, to a place; a chain goes as a whole where asked so."""
    ids = chosen(document, asked)
    for id in ids:
        kind, spot, part = _found(document, id)
        place = checked_place(document, live, kind, asked)
        before = asked.get("before", "")
        document.remove(id)
        if kind == RULE and spot.place != place:
            used = {rule.key for rule in document.rules_of(place)}
            part.key = part.key if part.key not in used else free_key(part.key, used)
        document.add(kind, place, part, _index(document, kind, place, before))
    return ids


def chosen(document: Document, asked: Asked) -> list[str]:
    """The ids in the order of the document; with `chain` also the rules that follow each without a break."""
    wanted = set(asked.get("ids", []))
    found = []
    for _kind, _place, parts in document.lists():
        follows = False
        for part in parts:
            follows = part.id in wanted or (
                follows and bool(asked.get("chain")) and bool(getattr(part, "after_previous", ""))
            )
            found += [part.id] if follows else []
    if not found:
        raise CannotDo(_("It is not there any more: somebody has removed it meanwhile."))
    return found


def copy(document: Document, live: Live, asked: Asked) -> list[str]:
    """Copies behind each, or at the end of another place; switched as they are."""
    made = []
    for id in chosen(document, asked):
        kind, spot, part = _found(document, id)
        place = checked_place(document, live, kind, asked) if asked.get("place") else spot.place
        fresh = part.model_copy(deep=True)
        fresh.id = document.free_id(part.id, _taken(live))
        row = live.rows_of(kind).get(id)
        fresh.is_enabled = row.is_enabled if row is not None and not row.retired else part.is_enabled
        if kind == RULE:
            used = {rule.key for rule in document.rules_of(place)}
            fresh.key = part.key if part.key not in used else free_key(part.key, used)
        ids = [one.id for one in document.list_of(kind, place)]
        document.add(kind, place, fresh, ids.index(id) + 1 if id in ids else None)
        made.append(fresh.id)
    return made


def remove(document: Document, live: Live, asked: Asked) -> list[str]:
    """What followed it in its chain follows the one before it from then on."""
    ids = chosen(document, asked)
    for id in ids:
        chains.take_out(document, id)
    return ids


def add_set(document: Document, live: Live, asked: Asked) -> list[str]:
    name = str(asked.get("name", "")).strip()[:80]
    if not name or any(one.name == name for one in document.sets.values()):
        raise CannotDo(_("A set needs a name of its own."))
    id = document.free_id(name, _taken(live))
    document.sets[id] = SetPart(name=name)
    return [id]


def remove_set(document: Document, live: Live, asked: Asked) -> list[str]:
    place = place_of(asked.get("place", ""))
    known = document.sets.get(place.key)
    if known is None:
        raise CannotDo(_("This rule set no longer exists."))
    if known.rules:
        raise CannotDo(_("Take its rules out first."))
    del document.sets[place.key]
    return []


def mend(document: Document, live: Live, asked: Asked) -> list[str]:
    """What one click mends, of a finding by its check and place."""
    if not asked.get("check") or not checking.mend(
        live, document, asked["by"], str(asked.get("check", "")), str(asked.get("where", ""))
    ):
        raise CannotDo(_("That is mended already."))
    return []


OPERATIONS: dict[str, Operation] = {
    "add": add,
    "move": move,
    "copy": copy,
    "remove": remove,
    "add-set": add_set,
    "remove-set": remove_set,
    "mend": mend,
}
