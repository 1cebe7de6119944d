"""When a move is taken back: the runs it planned end, the runs it had cancelled stand again (E54)."""

from __future__ import annotations

from django.utils.dateparse import parse_datetime

from automation.engine import chain
from automation.models import Run
from crm.ground import clock, databases
from crm.ground.sentences import said
from crm.models import Event, Item, StageVisit
from crm.work.leased import UNSTARTED, Status

CLAIMED = (Status.RUNNING,)  # claimed is not begun: its worker finds that it is no longer the owner


def move_undone(item: Item, visit: StageVisit) -> None:
    """Slot. The item is locked, and stands in its former visit again."""
    mine = Run.objects.filter(visit=visit, status__in=(*UNSTARTED, *CLAIMED))
    ids = list(databases.lock(mine.order_by("pk")).values_list("pk", flat=True))
    Run.objects.filter(pk__in=ids).update(
        status=Status.CANCELLED,
        error=said("move.undone", "the move was taken back"),
        finished_at=clock.now(),
        due_at=None,
        wait_on="",
        owner="",
        lease_until=None,
    )
    revived = [_revive(pk, status, due) for pk, status, due in visit.cancelled.get("runs", [])]
    for run in filter(None, revived):
        _catch_up(run, item, visit)


def _revive(pk: int, status: str, due: str | None) -> Run | None:
    """The run as it stood before the move; one that was claimed is planned again."""
    rows = Run.objects.filter(pk=pk, status=Status.CANCELLED)
    alive = Status.PLANNED if status == Status.RUNNING else status
    found = rows.update(
        status=alive, error="", finished_at=None, crashes=0, due_at=parse_datetime(due) if due else None
    )
    return Run.objects.select_related("rule", "item").get(pk=pk) if found else None


def _catch_up(run: Run, item: Item, visit: StageVisit) -> None:
    """What it waited for may have ended while the move stood; nobody else would tell it."""
    run.item = item
    if run.status == Status.PLANNED and run.waiting_for == "previous":
        before = Run.objects.filter(visit_id=run.visit_id, order=run.after_order or 0).order_by("-round").first()
        if before is not None:
            chain.judge_next(before)
    elif run.status == Status.WAITING:
        kind, _colon, name = run.wait_on.partition(":")
        if kind == "event":
            came = Event.objects.filter(item=item, kind=name, created_at__gte=visit.entered_at)
            if came.exists():
                chain.resume(run, Status.DONE, "")
            return
        if kind == "set":
            chain.wake_if_ended(run)
            return
        ended = chain.already_ended(run.wait_on)
        if ended is not None:
            chain.resume(run, *ended)
