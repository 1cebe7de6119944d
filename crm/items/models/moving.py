"""The gate: the one way an item changes its stage, its place in the column, and how a move is taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, models
from django.db.models import F

from crm.events.models import Cause
from crm.events.record import Entry, record
from crm.ground import clock, databases
from crm.ground.refused import Gone, Refused
from crm.ground.sentences import said
from crm.items.models import profit
from crm.items.models.gate import Move, Moved, MoveOptions, NeedsInput, Stale, checked_by, missing_fields
from crm.items.models.leaving import close_visit, wake_waiters
from crm.items.models.visits import StageVisit
from crm.pipelines import boards
from crm.pipelines.machine import machine_of
from crm.pipelines.models import Stage

if TYPE_CHECKING:
    from crm.people.models import User

MOVE_COLUMNS = (
    "stage_entered_at",
    "last_activity_at",
    "closed_at",
    "version",
    "rank",
    "lost_reason_id",
    "lost_note",
    "next_activity_at",
)


class Moving(models.Model):
    """What an item can do with its stage."""

    if TYPE_CHECKING:
        # Columns of Item.
        pipeline_id: Any
        stage_id: Any
        visit: Any
        rank: Any
        lost_reason: Any
        lost_note: str

    class Meta:
        abstract = True

    def _all(self) -> models.QuerySet[Any]:
        return type(self)._base_manager.all()

    def move_to(self, stage: Stage, options: MoveOptions = MoveOptions()) -> Moved:
        """Move the item to a stage: the one door, the same for a drag, a button, the API, a form, a trigger, a rule.

        One transaction: lock, checks, django-fsm transition, visit and event, the runs of the new stage planned.

        Raises Stale, NeedsInput, Forbidden or Gone (crm.items.models.gate), each with a sentence.
        """
        key = options.key
        try:
            return databases.persistently(lambda: self._move(stage, options))
        except IntegrityError:
            # Two requests with one key at the same moment: the other one won, and it is the same move.
            done = StageVisit.objects.filter(key=key, item=self.pk, stage=stage.pk).first() if key else None
            if done is None:
                raise
            return Moved(self._all().get(pk=self.pk), done, repeated=True)

    def _move(self, stage: Stage, asked: MoveOptions) -> Moved:
        machine = machine_of(self.pipeline_id, share=True)
        item = databases.lock(self._all().filter(pk=self.pk)).first()
        move = Move.asked(machine, stage, asked)
        move.check_there(item)
        assert item is not None
        if item.pipeline_id != self.pipeline_id:
            # Read anew under the lock: the caller saw it in a pipeline that it has left.
            raise Gone(said("item.elsewhere", "This card is not in this pipeline any more."))
        stale = asked.version not in (None, item.version) or asked.seen not in (None, item.visit_id)
        if item.stage_id == stage.pk or stale:
            # Only a repeated request can meet its own traces: ask for the key here, off the usual path.
            done = StageVisit.objects.filter(key=asked.key, item=item).first() if asked.key else None
            if done is not None:
                return Moved(item, done, repeated=True)
        checked_by(asked.by, machine, "move", item, machine.stages.get(stage.pk, stage))
        if asked.fields:
            self._may_bring(machine, item, stage, asked.by, asked.fields)
        if stale:
            raise Stale(item)
        if item.stage_id == stage.pk:
            item._reorder(asked.before)
            return Moved(item, None, machine=machine)
        move.prepare(item)
        source_id, left = item.stage_id, item.visit_id
        item._enter(move.target, now=move.now)
        if asked.undoable and left is not None and machine.pipeline.undo_seconds:
            move.undo_until = move.now + timedelta(seconds=machine.pipeline.undo_seconds)
        item.rank = item.rank_before(asked.before) if asked.before else -move.now.timestamp()
        closed = close_visit(item, left, move.now)
        visit = item._open_visit(move, left=left, source=source_id, closed=closed)
        if "currency" in move.changes:
            profit.recount(item)
        return Moved(item, visit, machine=machine)

    @staticmethod
    def _may_bring(machine: Any, item: Any, stage: Stage, by: User | None, fields: dict[str, Any]) -> None:
        """What a stage asks for comes with the move; any other field is an edit, and needs the right to edit."""
        here, there = machine.stages.get(item.stage_id), machine.stages.get(stage.pk)
        asked = {*(here.needed_to_leave if here else ()), *(there.needed_to_enter if there else ())}
        if set(fields) - asked:
            checked_by(by, machine, "edit", item)

    def _open_visit(
        self,
        move: Move,
        *,
        left: int | None,
        source: int | None,
        closed: dict[str, Any] | None = None,
        kind: str = "",
    ) -> StageVisit:
        """Visit, item row, event (which plans the runs), board version; in this order."""
        item: Any = self
        visit = StageVisit.objects.create(
            item=item,
            stage=move.target,
            entered_at=move.now,
            actor=move.actor,
            cause_kind=move.cause.kind,
            cause_ref=move.cause.ref,
            depth=move.cause.depth,
            key=move.key,
            undo_until=move.undo_until,
            before=move.was if move.undo_until else {},
        )
        self.visit = visit
        columns = {name: getattr(self, name) for name in ("visit_id", *MOVE_COLUMNS, *move.columns())}
        self._all().filter(pk=self.pk).update(stage_id=self.stage_id, **columns)
        ended = (closed or {}).pop("ended", [])
        entry = Entry(
            item=item,
            visit=visit,
            left_id=left,
            machine=move.machine,
            cancelled=closed or {},
            start_rules=move.start_rules,
        )
        record(
            kind or ("stage.entered" if source else "item.created"),
            item=item,
            actor=move.actor,
            cause=move.cause,
            payload=move.payload(source) | ({"closed_tasks": [task.title for task in ended]} if ended else {}),
            visit=visit,
            entry=entry,
            quiet=move.quiet,
        )
        wake_waiters(ended)
        visit.remember(entry.cancelled)
        boards.touch(self.pipeline_id, self.stage_id, *([source] if source else []))
        return visit

    def transfer(
        self,
        stage: Stage,
        *,
        by: User | None = None,
        cause: Cause = Cause(),
        shown_as: User | None = None,
        start_rules: bool = True,
        override: bool = False,
    ) -> Moved:
        """Move the item to a stage of another pipeline of its type; rules there start as after any move.

        Args:
            by: whose rights count; None for the system, which also takes cards out of archived pipelines.
            shown_as: who the timeline names, if not `by`.
            start_rules: False enters the stage without its rules.
            override: fields that the stage needs are not asked for.
        Raises Refused for another type, NeedsInput for fields that the stage needs, Forbidden, Gone.
        """
        asked: dict[str, Any] = {"by": by, "cause": cause, "shown_as": shown_as, "start_rules": start_rules}
        return databases.persistently(lambda: self._transfer(stage, override, **asked))

    def _transfer(self, stage: Stage, override: bool, **asked: Any) -> Moved:
        # Both pipelines, in the order of their ids: lock order.
        machines = {pk: machine_of(pk, share=True) for pk in sorted({self.pipeline_id, stage.pipeline_id})}
        machine = machines[stage.pipeline_id]
        item = databases.lock(self._all().filter(pk=self.pk)).first()
        target = machine.stages.get(stage.pk)
        move = Move(machine=machine, target=target or stage, now=clock.now(), **asked)
        move.override = True  # allowed moves name the stages of one pipeline; needed fields are asked for below
        by = move.by
        move.check_there(item)
        assert item is not None
        if target is None or item.pipeline_id != self.pipeline_id or machine.pipeline.pk == item.pipeline_id:
            raise Gone(said("move.gone", "This stage or card is not there any more."))
        if machine.pipeline.item_type_id != item.item_type_id:
            raise Refused(said("pipeline.other_type", "Only pipelines of the same type can take this card."))
        if by is not None:
            checked_by(by, machines[item.pipeline_id], "move", item)
        checked_by(by, machine, "add", item, target)
        missing = [] if override else missing_fields(item, move)
        if missing:
            raise NeedsInput(item, target, missing, False)
        former, source, left = item.pipeline_id, item.stage_id, item.visit_id
        item.pipeline, item.intent = machine.pipeline, move
        item._enter(target, now=move.now)
        if target.is_open:
            item.lost_reason, item.lost_note = None, ""
        item.rank = -move.now.timestamp()
        closed = close_visit(item, left, move.now)
        self._all().filter(pk=item.pk).update(pipeline_id=machine.pipeline.pk)
        boards.touch(former, source)
        visit = item._open_visit(move, left=left, source=source, closed=closed)
        return Moved(item, visit, machine=machine)

    # ------------------------------------------------------------------ order in the column

    def _reorder(self, before: int | None) -> None:
        """E06: no visit, no runs, no event."""
        if before == self.pk:
            return
        self.rank = self.rank_before(before) if before else -clock.now().timestamp()
        self._all().filter(pk=self.pk).update(rank=self.rank)
        boards.touch(self.pipeline_id, self.stage_id)

    def rank_before(self, before: int) -> float:
        """A rank between the card that follows and the one above it; 0 (the end) if it has left the column."""
        column = self._all().filter(deleted_at__isnull=True).filter(stage_id=self.stage_id).exclude(pk=self.pk)
        follows = column.filter(pk=before).values_list("rank", flat=True).first()
        if follows is None:
            last = column.order_by("-rank").values_list("rank", flat=True).first()
            return (last if last is not None else 0) + 1
        above = column.filter(rank__lt=follows).order_by("-rank").values_list("rank", flat=True).first()
        if above is None:
            return follows - 1
        if follows - above > 1e-5:
            return (follows + above) / 2
        # The gap is spent: everything above moves up by one, in one statement.
        column.filter(rank__lt=follows).update(rank=F("rank") - 1)
        return (follows + above - 1) / 2
