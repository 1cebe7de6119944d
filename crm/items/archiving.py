"""Ending a pipeline: archived, all stays as it is and nothing moves; removed, its cards go on in another pipeline."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _
from django.utils.translation import override

from crm import slots
from crm.events.models import Cause
from crm.events.notice import notify
from crm.ground import clock, databases
from crm.ground.folding import fold
from crm.ground.refused import Refused
from crm.ground.sentences import said
from crm.items import retiring
from crm.items.models.items import Item
from crm.items.models.saved_views import SavedView
from crm.people.models import User
from crm.pipelines.models import Pipeline, Stage, StageTransition
from crm.slots import PipelineUse
from crm.work import lanes
from crm.work.jobs import Temporary
from crm.work.leased import Status
from crm.work.models import Job
from crm.work.queue import Kind, register_kind

SLICE_SECONDS = 0.25
State = Pipeline.State


class CannotArchive(Exception):
    """The sentence says why."""


def uses_of(pipeline: Pipeline) -> list[PipelineUse]:
    """Everything that names the pipeline or one of its stages; what is not used is left out."""
    counts: dict[str, int] = {}
    for stage in Stage.active.filter(pipeline=pipeline):
        for use in retiring.uses_of(stage):
            if not use.of_pipeline:
                counts[use.label] = counts.get(use.label, 0) + use.count
    found = [
        *(PipelineUse(label, count) for label, count in counts.items()),
        *(use for uses in slots.pipeline_uses for use in uses(pipeline)),
    ]
    return [use for use in found if use.count]


@slots.pipeline_uses.register
def bin_and_views(pipeline: Pipeline) -> list[PipelineUse]:
    bin_ = Item.objects.filter(pipeline=pipeline, deleted_at__isnull=False)
    views = SavedView.objects.filter(pipeline=pipeline)
    return [
        PipelineUse(_("cards in the recycle bin"), bin_.count()),
        PipelineUse(_("saved views (they go with it)"), views.count()),
    ]


def targets_of(pipeline: Pipeline) -> list[Pipeline]:
    """Pipelines that can take its cards: in use, and of its type."""
    return list(Pipeline.objects.in_use().filter(item_type=pipeline.item_type_id).exclude(pk=pipeline.pk))


def likely_stages(pipeline: Pipeline, target: Pipeline) -> dict[Stage, Stage]:
    """For each stage the one of the other pipeline that means most nearly the same: its name, else its kind and place."""
    there = list(Stage.active.filter(pipeline=target).order_by("order", "pk"))
    found: dict[Stage, Stage] = {}
    for place, stage in enumerate(Stage.active.filter(pipeline=pipeline).order_by("order", "pk")):
        alike = [other for other in there if other.kind == stage.kind] or there
        same = [other for other in there if fold(other.name) == fold(stage.name) and other.kind == stage.kind]
        found[stage] = (same or sorted(alike, key=lambda other: abs(there.index(other) - place)))[0]
    return found


def _held(pipeline: Pipeline, *states: str) -> Pipeline:
    """The row under its lock. Raises CannotArchive where somebody was faster."""
    fresh = databases.lock(Pipeline.objects.filter(pk=pipeline.pk, state__in=states)).first()
    if fresh is None:
        raise CannotArchive(_("Somebody has archived or removed this pipeline meanwhile."))
    return fresh


def _refuse_kept(pipeline: Pipeline) -> None:
    for use in uses_of(pipeline):
        if use.keeps:
            raise CannotArchive(use.keeps)


def archive(pipeline: Pipeline) -> None:
    """Its cards stay where they are and can be read; nothing new comes in, nothing moves, planned runs are cancelled.

    Raises CannotArchive.
    """
    with transaction.atomic():
        fresh = _held(pipeline, State.IN_USE)
        _refuse_kept(fresh)
        if _is_awaited(fresh):
            raise CannotArchive(_("Cards of a removed pipeline are still on their way into this one."))
        fresh.state, fresh.is_default = State.ARCHIVED, False
        fresh.save()
        for ended in slots.pipeline_ended:
            ended(fresh)


def restore(pipeline: Pipeline) -> None:
    """In use again, with the rules that it had; what they had planned stays cancelled. Raises CannotArchive."""
    with transaction.atomic():
        fresh = _held(pipeline, State.ARCHIVED)
        fresh.state = State.IN_USE
        fresh.save()


def remove(
    pipeline: Pipeline, target: Pipeline, stages: dict[int, int], *, by: User, start_rules: bool = False
) -> None:
    """Hand over what names the pipeline; its cards follow in the background, and then it is gone.

    Rules and triggers come along switched off, behind those of the stage that they come to.

    Args:
        stages: ids of the target's stages by those of this pipeline's, each of its stages among them.
        start_rules: cards start the rules of the stages where they arrive; else they move silently.
    Raises CannotArchive.
    """
    databases.persistently(lambda: _remove(pipeline, target, stages, by, start_rules))


def _remove(pipeline: Pipeline, target: Pipeline, stages: dict[int, int], by: User, start_rules: bool) -> None:
    with transaction.atomic():
        # Both, in the order of their ids: lock order.
        list(databases.lock(Pipeline.objects.filter(pk__in=(pipeline.pk, target.pk)).order_by("pk")).values_list("pk"))
        fresh = _held(pipeline, State.IN_USE, State.ARCHIVED)
        _refuse_kept(fresh)
        if _is_awaited(fresh):
            raise CannotArchive(_("Cards of a removed pipeline are still on their way into this one."))
        if target.pk not in {other.pk for other in targets_of(fresh)}:
            raise CannotArchive(_("Please choose another pipeline of the same type."))
        there = {stage.pk: stage for stage in Stage.active.filter(pipeline=target)}
        own = list(Stage.active.filter(pipeline=fresh))
        if any(stages.get(stage.pk) not in there for stage in own):
            raise CannotArchive(_("Please choose a stage for the cards of each stage."))
        fresh.state, fresh.is_default = State.REMOVING, False
        fresh.save()
        StageTransition.objects.filter(pipeline=fresh).delete()  # moves within it mean nothing elsewhere
        for stage in own:
            for stage_use in retiring.uses_of(stage):
                if stage_use.hand_over is not None:
                    stage_use.hand_over(there[stages[stage.pk]])
        for use in uses_of(fresh):
            if use.hand_over is not None:
                use.hand_over(target)
        target.touch_machine()
        named = {str(stage.pk): stages[stage.pk] for stage in own}
        _plan({"pipeline": fresh.pk, "target": target.pk, "stages": named, "by": by.pk, "start_rules": start_rules}, 0)


def _is_awaited(pipeline: Pipeline) -> bool:
    """Whether cards of a pipeline that is being removed come into this one."""
    waiting = Job.objects.filter(kind="remove_pipeline", status__in=(Status.PLANNED, Status.RUNNING))
    return waiting.filter(payload__target=pipeline.pk).exists()


def _plan(payload: dict[str, Any], round: int) -> None:
    moment = int(clock.now().timestamp())
    key = f"remove_pipeline:{payload['pipeline']}:{round}:{moment}"
    Job.plan("remove_pipeline", key, payload=payload | {"round": round}, lane=lanes.BULK)


def perform(job: Any) -> None:
    asked = job.payload
    pipeline = Pipeline.objects.filter(pk=asked["pipeline"]).exclude(state=State.REMOVED).first()
    if pipeline is None:
        return
    by = User.objects.filter(pk=asked["by"]).first()
    there = list(Stage.active.filter(pipeline=asked["target"]).order_by("order", "pk"))
    if not there or pipeline.state != State.REMOVING:
        # Archived, so that it can be used again or removed into another one.
        Pipeline.objects.filter(pk=pipeline.pk, state=State.REMOVING).update(state=State.ARCHIVED)
        pipeline.touch_machine()
        words = said("pipeline.not_removed", "“%s” was not removed: its successor is gone.")
        notify([by] if by else [], words % pipeline.name, kind="setup")
        return
    by_id, first = {stage.pk: stage for stage in there}, there[0]
    end = time.monotonic() + SLICE_SECONDS
    rows = Item.objects.alive().filter(pipeline=pipeline).order_by("pk")
    while True:
        items = list(rows[: retiring.SLICE])
        if not items:
            _finish(pipeline, asked["target"], by)
            return
        for item in items:
            target = by_id.get(asked["stages"].get(str(item.stage_id)), first)
            _transfer(item, target, by, asked["start_rules"])
        if time.monotonic() > end:
            _plan(asked, asked["round"] + 1)
            return


def _transfer(item: Item, target: Stage, by: User | None, start_rules: bool) -> None:
    with override(by.language if by else "en"):
        cause = Cause("system", "", 0, _("pipeline removed"))
    try:
        item.transfer(target, cause=cause, shown_as=by, start_rules=start_rules, override=True)
    except Refused:
        # Deleted in this very moment: it is not here any more.
        if Item.objects.alive().filter(pk=item.pk, pipeline=item.pipeline_id).exists():
            raise


def _finish(pipeline: Pipeline, target: int, by: User | None) -> None:
    """Under the pipeline's lock, which every move shares: no card comes back into it while it goes."""
    pipeline.touch_machine()
    if Item.objects.alive().filter(pipeline=pipeline).exists():
        raise Temporary(said("retire.late_card", "A card has just come in."), retry_after=1)
    # What lies in the bin comes back into the successor, into its first stage.
    Item.objects.filter(pipeline=pipeline, deleted_at__isnull=False).update(pipeline=target)
    name = pipeline.name
    for stage in Stage.active.filter(pipeline=pipeline):
        stage.retired = True
        stage.save()
    try:
        with transaction.atomic():
            pipeline.delete()
    except ProtectedError:
        # The past of its cards names its stages: they stay, where nobody meets them.
        pipeline.state = State.REMOVED
        pipeline.save()
    notify([by] if by else [], said("pipeline.removed", "“%s” is removed; its cards have moved.") % name, kind="setup")


register_kind(Kind("remove_pipeline", perform))
