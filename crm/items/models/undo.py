"""Taking a move back (E54), and sending now what waits for the end of that window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Min
from django.utils.dateparse import parse_datetime

from crm import slots
from crm.company.rates import base_amount
from crm.events.models import Event
from crm.events.record import plain, record
from crm.ground import clock, databases
from crm.ground.columns.words import indexed
from crm.ground.refused import Refused
from crm.ground.sentences import said
from crm.items.models import profit
from crm.items.models.gate import checked_by
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.items.models.visits import StageVisit
from crm.pipelines import boards
from crm.pipelines.machine import machine_of
from crm.work.leased import UNSTARTED, Status
from crm.work.models import Job
from crm.work.queue import ring

if TYPE_CHECKING:
    from crm.people.models import User


class TooLate(Refused):
    """The window is over, the item has moved on, or a message has left; the sentence says which."""

    status, code = 409, "too_late"


def undo(visit: StageVisit, *, by: User) -> Item:
    """Take the move back that opened `visit`, as if it had not been. Returns the item.

    Its unstarted runs and jobs are cancelled; what it had ended is revived with its old due time; no rule starts.
    What rules already did inside the house stays: `left_behind` lists it.

    Raises TooLate, Forbidden.
    """
    return databases.persistently(lambda: _undo(visit.pk, by))


def _undo(visit_id: int, by: User) -> Item:
    pipeline_id, item_id = StageVisit.objects.values_list("item__pipeline_id", "item_id").get(pk=visit_id)
    machine = machine_of(pipeline_id, share=True)
    item: Item = databases.lock(Item.objects.filter(pk=item_id)).get()
    visit = StageVisit.objects.get(pk=visit_id)
    checked_by(by, machine, "move", item)
    _check(item, visit, by)
    was = visit.before
    former = StageVisit.objects.get(pk=was["visit"])
    if former.stage_id not in machine.stages:
        raise TooLate(said("undo.stage_gone", "The stage that it came from does not exist any more."))
    now = clock.now()
    StageVisit.objects.filter(pk=visit.pk).update(undone=True, left_at=now, undo_until=None)
    StageVisit.objects.filter(pk=former.pk).update(left_at=None)
    _cancel(visit)
    left_stage = item.stage_id
    columns = {**was["columns"], "stage_id": former.stage_id, "visit_id": former.pk}
    columns |= {"stage_entered_at": former.entered_at, "version": item.version + 1, "last_activity_at": now}
    columns["closed_at"] = parse_datetime(columns["closed_at"]) if columns["closed_at"] else None
    columns |= _fields_back(item, was.get("fields", {}))
    _revive(visit)
    columns["next_activity_at"] = item.tasks.open().aggregate(first=Min("deadline"))["first"]
    Item.objects.filter(pk=item.pk).update(**columns)
    item = Item.objects.get(pk=item.pk)
    if "currency" in columns:
        profit.recount(item)
    for undone in slots.move_undone:
        undone(item, visit)
    names = {pk: stage.name for pk, stage in machine.stages.items()}
    payload = {"from": left_stage, "from_name": names.get(left_stage, ""), "to": former.stage_id, "visit": visit.pk}
    payload["to_name"] = names.get(former.stage_id, "")
    record("move.undone", item=item, actor=by, payload=payload, visit=former)
    boards.touch(item.pipeline_id, item.stage_id, left_stage)
    ring()
    return item


def _check(item: Item, visit: StageVisit, by: User) -> None:
    if item.deleted_at is not None or item.visit_id != visit.pk:
        raise TooLate(said("undo.moved_on", "“%s” has moved on since; it cannot be taken back any more.") % item.title)
    if visit.undo_until is None or visit.undo_until < clock.now() or visit.actor_id != by.pk:
        raise TooLate(said("undo.over", "The time to take this move back is over."))
    gone = Job.objects.filter(visit=visit, outside=True).exclude(status__in=(*UNSTARTED, Status.CANCELLED))
    if gone.exists():
        raise TooLate(said("undo.sent", "A message of this move has been sent already."))


def _cancel(visit: StageVisit) -> None:
    reason = said("move.undone", "the move was taken back")
    jobs = Job.objects.filter(visit=visit, status__in=(*UNSTARTED, Status.RUNNING))
    ids = list(databases.lock(jobs.order_by("pk")).values_list("pk", flat=True))
    Job.cancel(ids, reason)


def _revive(visit: StageVisit) -> None:
    """Jobs and tasks that the move had ended stand again as they were; upper layers revive theirs."""
    Job.revive(visit.cancelled.get("jobs", []))
    for pk, status in visit.cancelled.get("tasks", []):
        Task.objects.filter(pk=pk, status=Task.Status.CANCELLED).update(status=status, closed_at=None)


def _fields_back(item: Item, changes: dict[str, list[Any]]) -> dict[str, Any]:
    """Columns for the fields that the move's dialog set, where nobody has changed them since."""
    columns: dict[str, Any] = {}
    custom = dict(item.custom)
    for name, (old, new) in changes.items():
        if name.startswith("custom."):
            if plain(item.value_of(name)) == new:
                custom[name.removeprefix("custom.")] = old
                columns |= {"custom": custom, "words": indexed(custom.values())}
            continue
        field: Any = Item._meta.get_field(name)
        read = field.target_field.to_python if field.is_relation else field.to_python
        if getattr(item, field.attname) == read(new):
            columns[field.attname] = read(old)
    if {"amount", "currency"} & columns.keys():
        columns["base_amount"] = base_amount(columns.get("amount", item.amount), columns.get("currency", item.currency))
    return columns


def left_behind(visit: StageVisit) -> dict[str, list[Any]]:
    """What rules of an undone visit did inside the house: open tasks and notes, offered for removal."""
    tasks = Task.objects.open().filter(visit=visit).exclude(origin="")
    notes = Event.objects.filter(visit=visit, kind="comment.added", cause_kind="rule")
    return {"tasks": list(tasks.order_by("pk")), "notes": list(notes.order_by("pk"))}


def remove_left_behind(visit: StageVisit, *, by: User) -> int:
    """Cancel those tasks and erase the texts of those notes; returns how many. Raises Forbidden, TooLate."""

    def work() -> int:
        item = databases.lock(Item.objects.filter(pk=visit.item_id)).get()
        checked_by(by, machine_of(item.pipeline_id), "edit", item)
        if not StageVisit.objects.filter(pk=visit.pk, undone=True).exists():
            raise TooLate(said("undo.not_undone", "This move was not taken back."))
        found = left_behind(visit)
        for task in found["tasks"]:
            task.set_status(Task.Status.CANCELLED, by=by)
        for note in found["notes"]:
            Event.objects.filter(pk=note.pk).update(kind="comment.removed", payload={}, words=None)
        return sum(map(len, found.values()))

    return databases.persistently(work)


def send_now(visit: StageVisit, *, by: User) -> int:
    """End the window: what waited for it is due now. Returns how many messages and calls. Raises Forbidden."""

    def work() -> int:
        item = databases.lock(Item.objects.filter(pk=visit.item_id)).get()
        checked_by(by, machine_of(item.pipeline_id), "move", item)
        until = StageVisit.objects.values_list("undo_until", flat=True).get(pk=visit.pk)
        if until is None:
            return 0
        StageVisit.objects.filter(pk=visit.pk).update(undo_until=None)
        waiting = Job.objects.filter(visit=visit, outside=True, status=Status.PLANNED, due_at__lte=until)
        count: int = waiting.update(due_at=clock.now())
        if count:
            ring()
        return count

    return databases.persistently(work)
