"""One rule or trigger through the one publication: for doors that know rows (administration, the API's rules and triggers)."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from automation import checking, live
from automation.document import (
    RULE,
    SET,
    STAGE,
    TRIGGER,
    Document,
    Fault,
    Faulty,
    Place,
    RulePart,
    SetPart,
    Spot,
    TriggerPart,
    VariablePart,
    by_place,
)  # fmt: skip
from automation.models import Rule, RuleSet, Run, Trigger
from automation.publishing.comparing import compare
from automation.publishing.judging import Judge
from automation.publishing.keys import free_key
from automation.publishing.models import Publication
from automation.publishing.publishing import Decision, arm, editing, settle
from automation.publishing.references import type_of
from automation.publishing.rows import Live, part_of, read
from automation.variables import Variable
from crm.models import User
from crm.work.leased import Status

WAITING = (Status.PLANNED, Status.HELD, Status.WAITING)


def place_of(row: Rule | Trigger) -> Place:
    if isinstance(row, Rule) and row.rule_set is not None:
        return Place(SET, row.rule_set.uid)
    return Place(STAGE, str(row.stage_id))


def _put(document: Document, known: Live, row: Rule | Trigger) -> tuple[Spot, RulePart | TriggerPart]:
    """The row, as it is in memory, into the document; a new one gets its id and key. Returns where it stands, and its part."""
    place = place_of(row)
    kind = RULE if isinstance(row, Rule) else TRIGGER
    if isinstance(row, Rule) and not row.key:
        row.key = free_key(row.action, (rule.key for rule in document.rules_of(place)))
    if row._state.adding:
        taken = {*known.rules, *known.triggers}
        row.uid = document.free_id(row.key if isinstance(row, Rule) else row.type, taken)
    part = part_of(row, known.inside)
    there = document.find(row.uid)
    stood = known.rows_of(kind).get(row.uid)
    if there is not None and stood is not None and there[1].place == place and stood.order == row.order:
        document.replace(part)
    else:
        if there is not None:
            document.remove(row.uid)
        document.add(kind, place, part, _index(document, known, kind, place, row))
    found = document.find(row.uid)
    assert found is not None
    return found[1], found[2]


def _index(document: Document, known: Live, kind: str, place: Place, row: Rule | Trigger) -> int:
    rows = known.rows_of(kind)
    orders = [rows[part.id].order for part in document.list_of(kind, place)]
    return (
        sum(order <= row.order for order in orders) if row._state.adding else sum(order < row.order for order in orders)
    )


def judge(row: Rule | Trigger, by: User, named: set[str] | None = None) -> dict[str, list[str]]:
    """What is wrong with it as it is in memory, by field ("settings.text"); else its values stand as they are stored.

    Args:
        by: who is about to publish it.
        named: only these fields are judged; None: none of its own (a form has), but what else it would break.
    """
    known = read(row.pipeline)
    document = known.document.copy_of()
    spot, part = _put(document, known, row)
    if named is None:
        return {"": [fault.sentence for fault in _broken(known, document, by, {row.uid})]}
    own = Judge(known, document, by)
    own.given = {change.id for change in compare(known.document, document) if change.gives}
    faults = own.of(spot, part, named)
    if not faults:
        _take(row, part, known)
        faults = by_place(_broken(known, document, by, {row.uid}))
    return faults


def _broken(known: Live, document: Document, by: User, judged: set[str]) -> list[Fault]:
    return Judge(known, document, by, judged).faults(compare(known.document, document), whole=False)


def _take(row: Any, part: RulePart | TriggerPart, known: Live) -> None:
    row.settings = known.inside.outward(type_of(part), part.settings)
    row.condition = part.condition
    if isinstance(part, RulePart):
        row.timing = part.timing


def publish(row: Rule | Trigger, by: User, origin: str, *, pin_planned: bool = False, confirms: bool = True) -> int:
    """It goes live as it is in memory, judged; it acts with the rights of `by` from now on.

    Args:
        confirms: whoever saves it has seen how its condition reads since the upgrade to typed conditions.
        pin_planned: planned runs of a rule finish with the old settings; else they take the new ones.
    Returns how many planned runs of a rule that was switched off are cancelled. Raises Faulty.
    """
    with transaction.atomic():
        wanted = row.is_enabled
        with editing(row.pipeline, by, origin) as under_way:
            _put(under_way.document, under_way.live, row)
            stood = under_way.live.rows_of(RULE if isinstance(row, Rule) else TRIGGER).get(row.uid)
            if stood is not None:
                stood.order = row.order
            under_way.judged.add(row.uid)
            if pin_planned:
                under_way.decisions[row.uid] = Decision.OLD
        written = under_way.row(row.uid)
        row.pk, row.version, row.publisher, row.order = written.pk, written.version, written.publisher, written.order
        row._state.adding = False
        if confirms and written.unconfirmed:
            confirm(written, by)
        return switch(written, wanted, by)


def retire(row: Rule | Trigger, by: User, origin: str) -> int:
    """It is not used any more; its history keeps naming it. Returns how many planned runs are cancelled. Raises Faulty."""
    count = planned(row)
    with editing(row.pipeline, by, origin) as under_way:
        if under_way.document.find(row.uid) is not None:
            under_way.document.remove(row.uid)
    return count


def publish_set(row: RuleSet, by: User, origin: str) -> None:
    """Its name and note; a new one too. Raises Faulty."""
    with editing(row.pipeline, by, origin) as under_way:
        document = under_way.document
        if row._state.adding:
            row.uid = document.free_id(row.name, set(under_way.live.sets))
        known = document.sets.get(row.uid)
        document.sets[row.uid] = SetPart(
            name=row.name, note=row.note, rules=known.rules if known is not None else [], **row.extra
        )
    row.pk = under_way.live.sets[row.uid].pk
    row._state.adding = False


def publish_variable(row: Variable, by: User, origin: str) -> None:
    """One of a pipeline's cards or visits. Raises Faulty."""
    assert row.pipeline is not None
    values = {name: getattr(row, name) for name in ("key", "label", "type", "scope", "value")}
    with editing(row.pipeline, by, origin) as under_way:
        part = VariablePart(**values, **row.extra)
        parts = under_way.document.variables
        places = [number for number, one in enumerate(parts) if one.key == row.key]
        parts[places[0] if places else len(parts) :] = [part, *(parts[places[0] + 1 :] if places else [])]
    row.pk = under_way.live.variables[row.key].pk
    row._state.adding = False


def retire_definition(row: RuleSet | Variable, by: User, origin: str) -> None:
    """Out of the document; it comes back with an older version. Raises Faulty where rules name it."""
    assert row.pipeline is not None
    with editing(row.pipeline, by, origin) as under_way:
        if isinstance(row, RuleSet):
            under_way.document.sets.pop(row.uid, None)
        else:
            under_way.document.variables = [one for one in under_way.document.variables if one.key != row.key]


def breaks(rows: list[Rule | Trigger], by: User) -> list[str]:
    """Why these cannot be taken away: what else reads them, in sentences."""
    found = []
    for pipeline in {row.pipeline_id: row.pipeline for row in rows}.values():
        known = read(pipeline)
        document = known.document.copy_of()
        for row in rows:
            if row.pipeline_id == pipeline.pk and document.find(row.uid) is not None:
                document.remove(row.uid)
        found += [fault.sentence for fault in _broken(known, document, by, set())]
    return found


def take_over(rows: list[Rule | Trigger], by: User) -> int:
    """They act with the rights of `by` from now on, all else as it was; returns how many did not before. Raises Faulty."""
    taken = 0
    for pipeline in {row.pipeline_id: row.pipeline for row in rows}.values():
        ids = {row.uid for row in rows if row.pipeline_id == pipeline.pk and row.publisher_id != by.pk}
        if ids:
            with editing(pipeline, by, Publication.Origin.TAKEN_OVER) as under_way:
                under_way.taken_over = ids
            taken += len(ids)
    return taken


# ---------------------------------------------------------------------- live state, with what follows of it


def switch(row: Rule | Trigger, on: bool, by: User | None) -> int:
    """On or off, at once; returns how many planned runs of a rule that goes off are cancelled.

    Raises Faulty: on, it would be what no publication lets through, such as a move against another one.
    """
    if on and by is not None and not row.is_enabled:
        _check_switched_on(row, by)
    with transaction.atomic():
        if not live.switch(row, on, by):
            return 0
        if isinstance(row, Trigger):
            arm(row)
            return 0
        if on:
            return 0
        count = planned(row)
        settle([row], by)
        return count


def _check_switched_on(row: Rule | Trigger, by: User) -> None:
    known = read(row.pipeline)
    before = {(one.check, one.place) for one in checking.findings(known, known.document, None, (checking.ERROR,))}
    same: Any = known.rows_of(RULE if isinstance(row, Rule) else TRIGGER).get(row.uid)
    if same is None:
        return
    same.is_enabled = True
    found = checking.findings(known, known.document, row.publisher, (checking.ERROR,), given={row.uid})
    fresh: list[Fault] = [one for one in found if (one.check, one.place) not in before]
    if fresh:
        raise Faulty(fresh)


def confirm(row: Rule | Trigger, by: User) -> None:
    """Its condition means what it reads now; a rule that waited for that goes on."""
    with transaction.atomic():
        live.confirm(row, by)
        if isinstance(row, Rule) and row.paused_at is not None:
            settle([row], by, goes_on=True)
        if isinstance(row, Trigger):
            arm(row)


def planned(row: Rule | Trigger) -> int:
    """How many runs of a rule have not started."""
    return Run.objects.filter(rule=row, status__in=WAITING).count() if isinstance(row, Rule) else 0
