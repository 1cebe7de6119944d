"""When a move is taken back: the runs it planned end, the runs it had cancelled stand again (E54)."""

from __future__ import annotations

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from automation.models import Run
from crm import clock, databases
from crm.models import Item, StageVisit
from crm.models.leased import UNSTARTED, Status

CLAIMED = (Status.RUNNING,)  # claimed is not begun: its worker finds that it is no longer the owner


def move_undone(item: Item, visit: StageVisit) -> None:
    """Slot. The item is locked, and stands in its former visit again."""
    mine = Run.objects.filter(visit=visit, status__in=(*UNSTARTED, *CLAIMED))
    ids = list(databases.lock(mine.order_by("pk")).values_list("pk", flat=True))
    Run.objects.filter(pk__in=ids).update(
        status=Status.CANCELLED,
        error=_("the move was taken back"),
        finished_at=clock.now(),
        due_at=None,
        wait_on="",
        owner="",
        lease_until=None,
    )
    for pk, status, due in visit.cancelled.get("runs", []):
        Run.objects.filter(pk=pk, status=Status.CANCELLED).update(
            status=status, error="", finished_at=None, due_at=parse_datetime(due) if due else None
        )
