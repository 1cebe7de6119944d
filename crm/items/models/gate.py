"""The gate's words: what a move is, what it checks, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from crm.events.models import Cause, Event
from crm.events.record import plain
from crm.ground import clock
from crm.ground.refused import Forbidden, Gone, Refused
from crm.ground.sentences import everywhere, said
from crm.items import customer_rights
from crm.items.models.visits import StageVisit
from crm.people.models import User
from crm.pipelines import rights
from crm.pipelines.machine import Machine
from crm.pipelines.models import LostReason, Stage, StageKind

if TYPE_CHECKING:
    from crm.items.models.items import Item


class Stale(Refused):
    """Somebody was faster: who moved it, where and when; `item` is the fresh row."""

    status, code = 409, "stale"

    def __init__(self, item: Item) -> None:
        self.item = item
        visit = StageVisit.objects.filter(pk=item.visit_id or 0).select_related("stage", "actor").first()
        self.visit = visit
        who: Any = _("somebody")
        if visit is not None and visit.actor is not None:
            who = (
                said("automation_as", "Automation (as %(name)s)") % {"name": visit.actor.name}
                if visit.cause().automatic
                else visit.actor.name
            )
        elif visit is not None and visit.cause().automatic:
            who = _("Automation")
        words = {"title": item.title, "stage": visit.stage.name if visit else "", "who": who}
        changed = Event.objects.filter(item=item.pk, kind__in=("field.changed", "stage.entered"))
        last = changed.order_by("-pk").select_related("actor").first()
        if last is not None and last.kind == "field.changed":
            names = field_labels(item, list(last.data("changes", {})))
            words |= {"fields": names, "who": last.who() or words["who"]}
            super().__init__(
                said("stale.changed", "“%(title)s” has changed since you loaded it: %(fields)s (%(who)s).") % words
            )
            return
        super().__init__(
            said("stale.moved", "“%(title)s” has changed since you loaded it: it is in %(stage)s now (%(who)s).")
            % words
        )


class NeedsInput(Refused):
    """Fields or a lost reason are missing; filling them makes the move."""

    status, code = 422, "needs_input"

    def __init__(self, item: Item, stage: Stage, missing: list[str], needs_reason: bool) -> None:
        self.item, self.stage, self.missing, self.needs_reason = item, stage, missing, needs_reason
        what: list[Any] = field_labels(item, missing)
        if needs_reason:
            what.append(said("lost_reason", "the reason"))
        super().__init__(said("stage.needs", "%(stage)s needs: %(what)s.") % {"stage": stage.name, "what": what})


# What a move writes of its own accord, and undo puts back.
REMEMBERED = ("rank", "closed_at", "lost_reason_id", "lost_note", "hides_customer")


@dataclass
class Moved:
    """A move that was made. `visit` is None when only the place in the column changed."""

    item: Item
    visit: StageVisit | None
    repeated: bool = False
    machine: Machine | None = None


@dataclass(frozen=True)
class MoveOptions:
    """How an item is to be moved.

    Args:
        by: whose rights count; None for the system.
        version: the item version the caller saw; another one is refused as stale.
        seen: the visit (its id) the caller saw the item in; a card that moved since is refused as stale, one
            whose fields a rule changed meanwhile is not. What a board sends.
        fields: cleaned values for fields that the stage needs, written with the move.
        reason, note: why it was lost.
        key: idempotency key; a repeated call with it answers as the first did.
        before: id of the card that is to follow in the column; None puts it on top.
        override: required fields and forbidden transitions do not count (a trigger's setting).
        shown_as: who the timeline names, if not `by`.
        undoable: a person's move on board or card: it may be taken back for the pipeline's undo seconds, and
            what it sends waits as long (E54).
        start_rules: False enters the stage without its rules; the event says so.
    """

    by: User | None = None
    cause: Cause = field(default_factory=Cause)
    version: int | None = None
    seen: int | None = None
    fields: dict[str, Any] | None = None
    reason: LostReason | None = None
    note: str = ""
    key: str | None = None
    before: int | None = None
    override: bool = False
    shown_as: User | None = None
    undoable: bool = False
    start_rules: bool = True


@dataclass
class Move:
    machine: Machine
    target: Stage
    by: User | None
    cause: Cause
    now: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    reason: LostReason | None = None
    note: str = ""
    key: str | None = None
    override: bool = False
    shown_as: User | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    undo_until: datetime | None = None
    start_rules: bool = True
    quiet: bool = False
    # The item before the move, for undo: columns as JSON values, and the visit it stood in.
    was: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def asked(cls, machine: Machine, target: Stage, options: MoveOptions) -> Move:
        names = ("by", "cause", "reason", "note", "key", "override", "shown_as", "start_rules")
        same = {name: getattr(options, name) for name in names}
        return cls(machine=machine, target=target, now=clock.now(), fields=dict(options.fields or {}), **same)

    @property
    def actor(self) -> User | None:
        return self.shown_as or self.by

    @property
    def by_person(self) -> bool:
        return not self.cause.automatic

    def check_there(self, item: Item | None) -> None:
        if item is None or item.deleted_at is not None:
            raise Gone(said("item.is_deleted", "This item was deleted."))

    def prepare(self, item: Item) -> None:
        """Write the fields that came with the move, then ask every condition; raises the first refusal."""
        self.was = {"visit": item.visit_id, "columns": {name: plain(getattr(item, name)) for name in REMEMBERED}}
        customer_rights.check_links(self.by, {n: v for n, v in self.fields.items() if v != item.value_of(n)})
        self.changes = item.apply(self.fields)
        item.hides_customer = item.hides_customer and customer_rights.stays_hidden(self.by, item, self.changes)
        self.was["fields"] = {name: [plain(old), plain(new)] for name, (old, new) in self.changes.items()}
        known = self.machine.stages.get(self.target.pk)
        if known is not None:
            self.target = known
        elif not self.target.name:
            raise Gone(said("stage.gone", "This stage does not exist any more."))
        if known is not None and known.kind == StageKind.LOST:
            item.lost_reason, item.lost_note = self.reason, self.note
        elif known is not None:
            item.lost_reason, item.lost_note = None, ""
        item.intent = self
        for check in CHECKS:
            if not check(item):
                raise CHECKS[check](item)
        self.fields = {name: plain(new) for name, (_old, new) in self.changes.items()}

    def columns(self) -> set[str]:
        """Columns of the item that the move writes besides its own."""
        names = {"custom" if name.startswith("custom.") else name for name in self.changes}
        if "custom" in names:
            names.add("words")
        if {"amount", "currency"} & names:
            names.add("base_amount")
        if {"contact", "company"} & names:
            names.add("hides_customer")
        return names

    def payload(self, source: int | None) -> dict[str, Any]:
        payload: dict[str, Any] = {"to": self.target.pk, "to_name": self.target.name}
        if source:
            old = self.machine.stages.get(source)
            payload |= {"from": source, "from_name": old.name if old else ""}
        if self.reason or self.note:
            payload |= {"reason": self.reason.name if self.reason else "", "note": self.note}
        if self.fields:
            payload["fields"] = self.fields
        if not self.start_rules:
            payload["without_rules"] = True
        return payload


def checked_by(
    user: User | None, machine: Machine, action: str, item: Item | None = None, stage: Stage | None = None
) -> None:
    """Rights: do it with the item, enter the stage. `user` None is the system. Raises Forbidden.

    Raises Refused for an archived pipeline, the system's moves too.
    """
    if action in ("add", "move") and machine.pipeline.is_archived:
        raise Refused(said("pipeline.archived", "The pipeline “%s” is archived.") % machine.pipeline.name)
    if user is None:
        return
    for needed in ("view", action):
        # What is being added is seen by nobody yet.
        with_item = None if action == "add" and needed == "view" else item
        if not rights.allows(user, machine, needed, with_item):
            raise Forbidden(everywhere(f"right.{needed}", partial(rights.REFUSALS.get, needed)))
    if stage is not None and not rights.enters(user, machine, stage):
        raise Forbidden(
            said("stage.not_your_department", "Your department may not move cards to %(stage)s.")
            % {"stage": stage.name}
        )


# django-fsm calls a condition with the instance alone, so the intent travels on it as `item.intent`.


def same_pipeline(item: Any) -> bool:
    return item.intent.target.pk in item.intent.machine.stages


def transition_allowed(item: Any) -> bool:
    move: Move = item.intent
    allowed = move.machine.transitions
    return move.override or not allowed or (item.stage_id, move.target.pk) in allowed


def step_allowed(item: Any) -> bool:
    """The pipeline's *may skip* and *may go back* bind people only (E33)."""
    return not _step_fault(item)


def fields_filled(item: Any) -> bool:
    move: Move = item.intent
    if move.override:
        return True
    return not missing_fields(item, move) and not _reason_missing(move)


def _reason_missing(move: Move) -> bool:
    return move.target.kind == StageKind.LOST and move.by_person and move.reason is None and not move.note.strip()


def missing_fields(item: Item, move: Move) -> list[str]:
    source = move.machine.stages.get(item.stage_id)
    names = list(move.target.needed_to_enter)
    if source is not None and move.target.kind != StageKind.LOST:
        names += [name for name in source.needed_to_leave if name not in names]
    # A field that was deleted since, or is another item type's, could never be filled.
    names = [name for name in names if not name.startswith("custom.") or name[7:] in move.machine.fields]
    return [name for name in names if item.value_of(name) in (None, "", [])]


def _step_fault(item: Item) -> str:
    move: Move = item.intent
    machine, pipeline = move.machine, move.machine.pipeline
    if not move.by_person or (pipeline.may_skip and pipeline.may_go_back) or move.override:
        return ""
    source = machine.stages.get(item.stage_id)
    if source is None or move.target.kind == StageKind.LOST:
        return ""
    here, there = machine.position[source.pk], machine.position[move.target.pk]
    back = there < here or not source.is_open
    if back and not pipeline.may_go_back:
        return said("pipeline.no_back", "Cards of this pipeline do not go back.")
    between = [s for s in machine.ordered()[here + 1 : there] if s.is_open]
    if not back and between and not pipeline.may_skip:
        return said("pipeline.no_skip", "Stages of this pipeline cannot be skipped: %(stage)s comes next.") % {
            "stage": between[0].name
        }
    return ""


CHECKS: dict[Any, Any] = {
    same_pipeline: lambda item: Refused(
        said("stage.foreign", "%(stage)s is not a stage of this pipeline.") % {"stage": item.intent.target.name}
    ),
    transition_allowed: lambda item: Forbidden(
        said("transition.forbidden", "Moving from %(source)s to %(stage)s is not allowed in this pipeline.")
        % {
            "source": item.intent.machine.stages[item.stage_id].name
            if item.stage_id in item.intent.machine.stages
            else "?",
            "stage": item.intent.target.name,
        }
    ),
    step_allowed: lambda item: Forbidden(_step_fault(item)),
    fields_filled: lambda item: NeedsInput(
        item, item.intent.target, missing_fields(item, item.intent), _reason_missing(item.intent)
    ),
}


def field_labels(item: Item, names: list[str]) -> list[Any]:
    """What people call these columns and custom fields of the item: texts, lazy ones for those that are ours."""
    labels: list[Any] = []
    for name in names:
        if name.startswith("custom."):
            key = name.removeprefix("custom.")
            found = item.machine().fields.get(key)
            labels.append(found.label if found else key)
        else:
            column: Any = item._meta.get_field(name)
            labels.append(column.verbose_name)
    return labels
