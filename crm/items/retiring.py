"""Taking a stage out of a pipeline: what uses it, where that goes, and its cards moved by the gate, a slice a job."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from crm import slots
from crm.events.models import Cause
from crm.events.notice import notify
from crm.ground import clock, databases
from crm.ground.refused import Refused
from crm.ground.sentences import said
from crm.items.models.gate import MoveOptions
from crm.items.models.items import Item
from crm.people.models import User
from crm.pipelines.models import Stage, StageTransition
from crm.slots import StageUse
from crm.work import lanes
from crm.work.jobs import Temporary
from crm.work.models import Job
from crm.work.queue import Kind, register_kind

SLICE = 50
SLICE_SECONDS = 0.25


class CannotRetire(Exception):
    """The sentence says why."""


def uses_of(stage: Stage) -> list[StageUse]:
    """Everything that names the stage, upper layers' rows too; what is not used is left out."""
    return [use for uses in slots.stage_uses for use in uses(stage) if use.count]


@slots.stage_uses.register
def cards_and_moves(stage: Stage) -> list[StageUse]:
    moves = StageTransition.objects.filter(source=stage) | StageTransition.objects.filter(target=stage)
    return [
        StageUse(_("cards"), Item.objects.alive().filter(stage=stage).count()),
        StageUse(_("allowed moves"), moves.count(), lambda to: _hand_over_moves(stage, to)),
    ]


def _hand_over_moves(stage: Stage, target: Stage) -> None:
    """Moves to and from the stage become moves to and from the one that takes its place; none would open all of them."""
    rows = StageTransition.objects.filter(pipeline=stage.pipeline_id)
    known = set(rows.values_list("source", "target"))
    for row in rows.filter(source=stage) | rows.filter(target=stage):
        source, end = (target.pk if pk == stage.pk else pk for pk in (row.source_id, row.target_id))
        if source == end or (source, end) in known:
            row.delete()
        else:
            row.source_id, row.target_id = source, end
            row.save()
            known.add((source, end))


def targets_of(stage: Stage) -> list[Stage]:
    """Stages that can take its place, those of its own kind first."""
    others = Stage.active.filter(pipeline=stage.pipeline_id).exclude(pk=stage.pk).order_by("order", "pk")
    return sorted(others, key=lambda other: (other.kind != stage.kind, abs(other.order - stage.order), -other.order))


def retire(stage: Stage, target: Stage, *, by: User, start_rules: bool = False) -> None:
    """Hand over what names the stage; its cards follow in the background, and then it is gone.

    Args:
        start_rules: cards start the rules of the target stage as they arrive; else they move silently.
    Raises CannotRetire for the last stage of its kind, or a target that is none.
    """
    with transaction.atomic():
        if databases.lock(Stage.active.filter(pk=stage.pk)).first() is None:
            raise CannotRetire(_("This stage is gone already."))
        others = targets_of(stage)
        if target.pk not in {other.pk for other in others}:
            raise CannotRetire(_("Please choose another stage of this pipeline."))
        if not any(other.kind == stage.kind for other in others):
            words = {"kind": stage.get_kind_display()}
            raise CannotRetire(_("It is the only stage of the kind “%(kind)s”; make another one first.") % words)
        for use in uses_of(stage):
            if use.hand_over is not None:
                use.hand_over(target)
        stage.pipeline.touch_machine()
        _plan(stage.pk, target.pk, by.pk, start_rules, 0)


def _plan(stage: int, target: int, by: int, start_rules: bool, round: int) -> None:
    payload = {"stage": stage, "target": target, "by": by, "start_rules": start_rules, "round": round}
    moment = int(clock.now().timestamp())
    Job.plan("retire_stage", f"retire:{stage}:{round}:{moment}", payload=payload, lane=lanes.BULK)


def perform(job: Any) -> None:
    stage = Stage.active.filter(pk=job.payload["stage"]).select_related("pipeline").first()
    target = Stage.active.filter(pk=job.payload["target"]).first()
    by = User.objects.filter(pk=job.payload["by"]).first()
    if stage is None:
        return
    if target is None:
        notify(
            [by] if by else [],
            said("retire.no_successor", "“%s” was not removed: its successor is gone.") % stage.name,
            kind="setup",
        )
        return
    end = time.monotonic() + SLICE_SECONDS
    rows = Item.objects.alive().filter(stage=stage).order_by("pk")
    round = job.payload["round"]
    while True:
        items = list(rows[:SLICE])
        for item in items:
            _move(item, target, by, job.payload["start_rules"])
        if not items:
            _finish(stage, rows, by)
            return
        round += 1
        if time.monotonic() > end:
            break
    _plan(stage.pk, target.pk, job.payload["by"], job.payload["start_rules"], round)


def _finish(stage: Stage, rows: Any, by: User | None) -> None:
    """Under the pipeline's lock, which every move shares: no card comes in while the stage goes."""
    stage.pipeline.touch_machine()
    if rows.exists():
        raise Temporary(said("retire.late_card", "A card has just come in."), retry_after=1)
    told = [by] if by else []
    if not any(other.kind == stage.kind for other in targets_of(stage)):
        notify(
            told,
            said("retire.stays", "“%s” stays: it is the only stage of its kind by now.") % stage.name,
            kind="setup",
        )
        return
    stage.retired = True
    stage.save()
    notify(told, said("retire.done", "“%s” is removed; its cards have moved.") % stage.name, kind="setup")


def _move(item: Item, target: Stage, by: User | None, start_rules: bool) -> None:
    """With the system's rights and past needed fields: the stage is going, nobody can be asked."""
    with override(by.language if by else "en"):
        cause = Cause("system", "", 0, _("stage removed"))
    try:
        item.move_to(target, MoveOptions(cause=cause, override=True, shown_as=by, start_rules=start_rules))
    except Refused:
        # Deleted or moved away in this very moment: it is not here any more.
        if Item.objects.alive().filter(pk=item.pk, stage_id=item.stage_id).exists():
            raise


register_kind(Kind("retire_stage", perform))
