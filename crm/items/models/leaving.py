"""What ends when an item leaves a stage: the visit, its planned jobs and messages, its auto-closing tasks.

Upper layers end what is theirs (runs) when they hear of the entry; everything ended is remembered for undo.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, Min, QuerySet

from crm import slots
from crm.ground import databases
from crm.ground.sentences import said
from crm.items.models.tasks import Task
from crm.items.models.visits import StageVisit
from crm.work.leased import UNSTARTED, Status
from crm.work.models import Job

if TYPE_CHECKING:
    from crm.items.models.items import Item


def close_visit(item: Item, visit_id: int | None, now: datetime, *, deleted: bool = False) -> dict[str, Any]:
    """Close the open visit; returns {"jobs": [[id, status, due]], "tasks": [[id, status]]} of what it ended.

    "ended" holds the tasks themselves, for `wake_waiters` once upper layers have ended what is theirs.
    """
    if visit_id is None:
        return {}
    visit = StageVisit.objects.filter(pk=visit_id)
    visit.update(left_at=now)
    # Most visits leave nothing behind: one look for both kinds. The item is locked, so nothing comes in between.
    jobs, tasks = visit.values_list(Exists(_jobs(visit_id, deleted)), Exists(_tasks(visit_id))).get()
    ended = _cancel_tasks(item, visit_id, now) if tasks else []
    return {
        "jobs": _cancel_jobs(visit_id, deleted) if jobs else [],
        "tasks": [[task.pk, was] for task, was in ended],
        "ended": [task for task, _was in ended],
    }


def wake_waiters(tasks: list[Task]) -> None:
    """After runs of the left visit are cancelled: those that survive it hear that their task ended."""
    for task in tasks:
        for wake in slots.task_ended:
            wake(task)


# Claimed is not begun: its worker finds that it is no longer the owner. What is *sending* ends on its own.
CANCELLABLE = (*UNSTARTED, Status.RUNNING)


def _jobs(visit_id: int, deleted: bool) -> QuerySet[Job]:
    # One that may have left already ends with the provider's answer.
    jobs = Job.objects.filter(visit_id=visit_id, status__in=CANCELLABLE).exclude(payload__has_key="unsure_at")
    return jobs if deleted else jobs.filter(survives_leaving=False)


def _tasks(visit_id: int) -> QuerySet[Task]:
    return Task.objects.filter(visit_id=visit_id, close_on_leave=True, status__in=Task.OPEN)


def _cancel_jobs(visit_id: int, deleted: bool) -> list[list[Any]]:
    jobs = _jobs(visit_id, deleted)
    rows = list(databases.lock(jobs.order_by("pk")).values_list("pk", "status", "due_at"))
    if rows:
        ids = [pk for pk, _status, _due in rows]
        reason = said("stage.left", "left the stage")
        Job.cancel(ids, reason)
    return [[pk, status, due.isoformat() if due else None] for pk, status, due in rows]


def _cancel_tasks(item: Item, visit_id: int, now: datetime) -> list[tuple[Task, str]]:
    """Closed because the stage was left: cancelled, not done, so that no `task.status` done fires."""
    closed = [(task, task.status) for task in _tasks(visit_id).order_by("pk")]
    ids = [task.pk for task, _was in closed]
    Task.objects.filter(pk__in=ids).update(status=Task.Status.CANCELLED, closed_at=now)
    item.next_activity_at = item.tasks.open().aggregate(first=Min("deadline"))["first"]
    for task, _was in closed:
        task.status = Task.Status.CANCELLED
    return closed
