"""Rules and triggers of a stage that is taken out: they go where its cards go, behind those that are there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from automation.document import RULE, STAGE, TRIGGER, Document, Place
from automation.models import Rule, Trigger
from automation.publishing import doors
from automation.publishing.keys import free_key
from automation.publishing.models import Publication
from automation.publishing.publishing import editing
from automation.publishing.references import type_of
from automation.publishing.rows import read
from crm import slots
from crm.models import Pipeline, Stage
from crm.slots import StageUse


@slots.stage_uses.register
def rules_and_triggers(stage: Stage) -> list[StageUse]:
    placed = [
        StageUse(
            label, model._default_manager.filter(stage=stage, retired=False).count(), partial(hand_over, stage, kind)
        )
        for label, model, kind in (
            (_("rules"), Rule, RULE),
            (_("triggers that move cards here"), Trigger, TRIGGER),
        )
    ]
    leading = Rule.objects.filter(retired=False, action="change_stage", settings__stage__in=[stage.pk, str(stage.pk)])
    judging = [
        StageUse(label, len(_judging(model, stage)), partial(_rewrite, stage, partial(_judge_by, kind)))
        for label, model, kind in (
            (_("conditions of rules on the stage"), Rule, RULE),
            (_("conditions of triggers on the stage"), Trigger, TRIGGER),
        )
    ]
    return [
        *placed,
        *judging,
        StageUse(
            _("rules that move cards here"),
            leading.exclude(stage=stage).count(),
            partial(_rewrite, stage, _lead_to),
        ),
    ]


def hand_over(stage: Stage, kind: str, target: Stage) -> None:
    """To a stage of the same pipeline; in another one they are copies, off until somebody has looked at them: they meet
    other customers there. Whoever published them answers for them as before."""
    within = stage.pipeline_id == target.pipeline_id
    source = read(stage.pipeline)
    publishers = {row.uid: row.publisher for row in source.rows_of(kind).values()}
    parts = list(source.document.list_of(kind, Place(STAGE, str(stage.pk))))
    with editing(stage.pipeline, None, Publication.Origin.STAGE_REMOVED, trusted=True) as under_way:
        for part in parts:
            under_way.document.remove(part.id)
            if within:
                _add(under_way.document, kind, target, part)
    if within:
        return
    with editing(target.pipeline, None, Publication.Origin.STAGE_REMOVED, trusted=True) as under_way:
        for part in parts:
            id = under_way.document.free_id(part.id, {*under_way.live.rules, *under_way.live.triggers})
            under_way.publishers[id] = publishers.get(part.id)
            copy = part.model_copy(update={"id": id, "is_enabled": False}, deep=True)
            copy.settings = source.inside.outward(type_of(part), part.settings)
            _add(under_way.document, kind, target, copy)


def _add(document: Document, kind: str, target: Stage, part: Any) -> None:
    place = Place(STAGE, str(target.pk))
    if kind == RULE:
        used = {rule.key for rule in document.rules_of(place)}
        part.key = part.key if part.key not in used else free_key(part.key, used)
    document.add(kind, place, part)


def _rewrite(stage: Stage, change: Callable[[Document, Stage, Stage], set[str]], target: Stage) -> None:
    """In every pipeline that names the stage; `change` gives the ids of what is switched off."""
    naming = Rule.objects.filter(retired=False, action="change_stage", settings__stage__in=[stage.pk, str(stage.pk)])
    ids = {stage.pipeline_id, *naming.values_list("pipeline", flat=True)}
    for pipeline in Pipeline.objects.filter(pk__in=ids).order_by("pk"):
        with editing(pipeline, None, Publication.Origin.STAGE_REMOVED, trusted=True) as under_way:
            idle = change(under_way.document, stage, target)
        for id in idle:
            doors.switch(under_way.row(id), False, None)


def _lead_to(document: Document, stage: Stage, target: Stage) -> set[str]:
    """One that stands on the target itself has nowhere to lead any more: it is switched off."""
    idle = set()
    for kind, spot, part in document.placed():
        if kind == RULE and part.action == "change_stage" and str(part.settings.get("stage")) == str(stage.pk):
            part.settings = {**part.settings, "stage": str(target.pk)}
            idle |= {part.id} if spot.place == Place(STAGE, str(target.pk)) else set()
    return idle


def _judging(model: Any, stage: Stage) -> list[Any]:
    """Rules or triggers of the pipeline whose condition names the stage by its id."""
    rows = model.objects.filter(pipeline=stage.pipeline_id, retired=False).exclude(condition={})
    return [row for row in rows if _with(row.condition, stage.pk, 0) != row.condition]


def _judge_by(kind: str, document: Document, stage: Stage, target: Stage) -> set[str]:
    for what, _spot, part in document.placed():
        if what == kind:
            part.condition = _with(part.condition, stage.pk, target.pk)
    return set()


def _with(tree: Any, old: int, new: int) -> Any:
    """The condition with another stage in the old one's place."""
    if isinstance(tree, list):
        return [_with(part, old, new) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("field") in ("stage", "item.stage"):
        value = tree.get("value")
        swapped = [new if one == old else one for one in value] if isinstance(value, list) else value
        return {**tree, "value": new if value == old else swapped} if "value" in tree else tree
    return {name: _with(part, old, new) for name, part in tree.items()}
