"""Two documents compared: what was added, removed, moved, changed; and a third merged in by ids."""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

from automation.document import RULE, SET, Document, Placed, Spot

VARIABLE = "variable"
ADDED, REMOVED, MOVED, CHANGED, TAKEN = "added", "removed", "moved", "changed", "taken over"
# What beside the document's own words says nothing of what a rule does: whoever changes only these takes over nothing.
HARMLESS = {"name", "note", "is_enabled"}


@dataclass(frozen=True)
class Change:
    """Of one rule, trigger, set or variable.

    Args:
        what: rule, trigger, set, variable.
        verb: added, removed, moved, changed (which may have moved too), taken over (nothing differs but who answers for it).
        before, after: the part; None where it was not or is not. old_spot, spot: where it stood and stands.
        fields: names of what differs.
        follows_other: another rule stands before it in its chain than did.
        moved: it stands elsewhere, or its order among those that stayed is another.
    """

    what: str
    verb: str
    id: str
    before: Any = None
    after: Any = None
    old_spot: Spot | None = None
    spot: Spot | None = None
    fields: tuple[str, ...] = ()
    follows_other: bool = False
    moved: bool = False

    @property
    def gives(self) -> bool:
        """Whether who publishes it answers for it from now on: what it does, when, where or after what differs."""
        if self.verb == REMOVED:
            return False
        other_place = self.old_spot is None or self.spot is None or self.old_spot.place != self.spot.place
        return self.verb in (ADDED, TAKEN) or other_place or self.follows_other or bool(set(self.fields) - HARMLESS)


def compare(old: Document, new: Document) -> list[Change]:
    """What makes the new one of the old one, in the order of the new one; what is removed comes last."""
    was = {part.id: (kind, spot, part) for kind, spot, part in old.placed()}
    now = {part.id: (kind, spot, part) for kind, spot, part in new.placed()}
    resting = _resting(old, new)
    found: list[Change] = [*_sets(old, new), *_variables(old, new)]
    for id, (kind, spot, part) in now.items():
        if id not in was or was[id][0] != kind:
            found.append(Change(kind, ADDED, id, None, part, None, spot))
            continue
        _kind, old_spot, before = was[id]
        fields = differing(before, part)
        chained = kind == RULE and bool(part.after_previous)
        follows = chained and spot.before != old_spot.before
        if fields or id not in resting or follows:
            verb = CHANGED if fields or (id in resting and follows) else MOVED
            moved = id not in resting
            found.append(Change(kind, verb, id, before, part, old_spot, spot, fields, follows, moved))
    gone = [id for id in was if id not in now or now[id][0] != was[id][0]]
    return found + [Change(was[id][0], REMOVED, id, was[id][2], None, was[id][1]) for id in gone]


def taken(document: Document, ids: set[str]) -> list[Change]:
    """Of those that somebody takes over as they are."""
    return [
        Change(kind, TAKEN, part.id, part, part, spot, spot) for kind, spot, part in document.placed() if part.id in ids
    ]


def differing(
    before: Any, after: Any, without: frozenset[str] = frozenset({"is_enabled", "rules", "triggers"})
) -> tuple[str, ...]:
    """Names of what differs. The switch of one that is there lives beside the document."""
    old, new = before.plain(), after.plain()
    names = [name for name in dict.fromkeys((*old, *new)) if name not in without]
    return tuple(name for name in names if _json(old, name) != _json(new, name))


def _json(part: dict[str, Any], name: str) -> str | None:
    """True is not 1 there, and null is not nothing."""
    return json.dumps(part[name], sort_keys=True) if name in part else None


def _resting(old: Document, new: Document) -> set[str]:
    """Ids of those that stand in their place and in their order: of each list the most that need not move."""
    rest: set[str] = set()
    stood = {(kind, place): [part.id for part in parts] for kind, place, parts in old.lists()}
    for kind, place, parts in new.lists():
        places = {id: number for number, id in enumerate(stood.get((kind, place), []))}
        rest |= _rising([part.id for part in parts if part.id in places], places)
    return rest


def _rising(ids: list[str], rank: dict[str, int]) -> set[str]:
    """The longest part of a list that is in order already (patience sorting)."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int | None] = []
    for number, id in enumerate(ids):
        pile = bisect_left(ends, rank[id])
        before.append(last[pile - 1] if pile else None)
        ends[pile : pile + 1] = [rank[id]]
        last[pile : pile + 1] = [number]
    found: set[str] = set()
    step = last[-1] if last else None
    while step is not None:
        found.add(ids[step])
        step = before[step]
    return found


def _sets(old: Document, new: Document) -> list[Change]:
    found = []
    for id in dict.fromkeys((*new.sets, *old.sets)):
        before, after = old.sets.get(id), new.sets.get(id)
        fields = differing(before, after) if before and after else ()
        if before is None or after is None or fields:
            found.append(Change(SET, _verb(before, after), id, before, after, fields=fields))
    return found


def _variables(old: Document, new: Document) -> list[Change]:
    was, now = ({one.key: one for one in document.variables} for document in (old, new))
    found = []
    for key in dict.fromkeys((*now, *was)):
        before, after = was.get(key), now.get(key)
        fields = differing(before, after) if before and after else ()
        if before is None or after is None or fields:
            found.append(Change(VARIABLE, _verb(before, after), key, before, after, fields=fields))
    return found


def _verb(before: Any, after: Any) -> str:
    return ADDED if before is None else REMOVED if after is None else CHANGED


# ---------------------------------------------------------------------- three documents


@dataclass
class Merged:
    """
    Args:
        document: theirs with what was changed in ours.
        conflicts: what both changed, each otherwise: it stands there as in ours.
    """

    document: Document
    conflicts: list[Change] = field(default_factory=list)


def applied(document: Document, changes: list[Change]) -> Document:
    """A copy with these changes done to it."""
    made = document.copy_of()
    for change in changes:
        _MERGERS.get(change.what, _merge_placed)(made, change, None)
    return made


def merge(base: Document, ours: Document, theirs: Document) -> Merged:
    """What was done to `base` in ours, done to theirs: by ids, so that only the same rule changed twice is in conflict."""
    made = Merged(theirs.copy_of())
    they = {change.id: change for change in compare(base, theirs)}
    for change in compare(base, ours):
        other = they.get(change.id)
        if other is not None and (other.after, other.spot) == (change.after, change.spot):
            continue  # both did the same
        if other is not None and other.verb == REMOVED and change.verb == MOVED:
            continue  # what is gone need not move
        if other is not None and not _apart(change, other):
            made.conflicts.append(change)
        _MERGERS.get(change.what, _merge_placed)(made.document, change, other)
    made.document.tests = ours.tests if ours.tests != base.tests else theirs.tests
    return made


def _apart(ours: Change, theirs: Change) -> bool:
    """Whether both can stand: one changed what it does, the other moved it."""
    if ours.verb == REMOVED and theirs.verb == MOVED:
        return True
    if REMOVED in (ours.verb, theirs.verb) or ADDED in (ours.verb, theirs.verb):
        return False
    return bool(ours.fields) != bool(theirs.fields) and not (ours.moved and theirs.moved)


def _merge_placed(document: Document, change: Change, other: Change | None) -> None:
    there = document.find(change.id)
    if change.verb == REMOVED:
        if there is not None:
            document.remove(change.id)
        return
    part, spot = change.after, change.spot
    assert isinstance(part, Placed)
    assert spot is not None
    if there is None:
        _insert(document, change)
        return
    if change.fields or other is None:
        document.replace(part)
    if change.moved:
        document.remove(change.id)
        _insert(document, change, part if change.fields or other is None else there[2])


def _insert(document: Document, change: Change, part: Any = None) -> None:
    """Behind the one that stands before it; at the end where that one is not there any more."""
    spot = change.spot
    assert spot is not None
    if spot.place.kind == SET and spot.place.key not in document.sets:
        return  # its set was removed by the other: in conflict already
    parts = document.list_of(change.what, spot.place)
    ids = [one.id for one in parts]
    index = 0 if not spot.before else ids.index(spot.before) + 1 if spot.before in ids else len(ids)
    parts.insert(index, part or change.after)


def _merge_set(document: Document, change: Change, other: Change | None) -> None:
    if change.after is None:
        document.sets.pop(change.id, None)
        return
    there = document.sets.get(change.id)
    rules = there.rules if there is not None else []
    document.sets[change.id] = change.after.model_copy(update={"rules": rules})


def _merge_variable(document: Document, change: Change, other: Change | None) -> None:
    rest = [one for one in document.variables if one.key != change.id]
    document.variables = rest if change.after is None else [*rest, change.after]


_MERGERS: dict[str, Any] = {SET: _merge_set, VARIABLE: _merge_variable}
