"""What must hold of the database after anything at all; each query names rows that break it."""

from __future__ import annotations

from itertools import pairwise

from django.db.models import Count, F, Q

from automation.models import Run
from crm.ground import clock, databases
from crm.models import Event, Item, Job, Message, StageVisit
from crm.work.leased import FINAL, HAS_LEASE, Status


def broken() -> list[str]:
    """Sentences about what is broken; empty when all is well."""
    faults = []
    for model in (Run, Job):
        rows = model.objects.all()
        name = model.__name__
        if late := rows.filter(status__in=HAS_LEASE, lease_until__lt=databases.real_now()).count():
            faults.append(f"{late} {name} rows run past their lease")
        if mute := rows.filter(status__in=(Status.FAILED, Status.SKIPPED, Status.CANCELLED), error="").count():
            faults.append(f"{mute} {name} rows ended badly without a reason")
        if undated := rows.filter(status__in=FINAL, finished_at__isnull=True).count():
            faults.append(f"{undated} {name} rows ended without a time")
        if stuck := rows.filter(status=Status.WAITING, due_at__lt=clock.now()).count():
            faults.append(f"{stuck} {name} rows wait past their until")
    lost = Run.objects.filter(status=Status.PLANNED, due_at__isnull=True, waiting_for="").count()
    if lost:
        faults.append(f"{lost} planned runs can never become due")
    faults += _visits() + _effects() + _messages()
    return faults


def _visits() -> list[str]:
    faults = []
    many = (
        StageVisit.objects.filter(undone=False)
        .values("item")
        .annotate(open=Count("pk", filter=Q(left_at__isnull=True)))
    )
    if wrong := many.filter(open__gt=1).count():
        faults.append(f"{wrong} items are in two stages at once")
    astray = Item.objects.alive().exclude(visit__stage_id=F("stage_id")).count()
    if astray:
        faults.append(f"{astray} items are not where their visit is")
    gaps = 0
    for item_id in StageVisit.objects.filter(key__isnull=False).values_list("item_id", flat=True).distinct():
        chain = list(StageVisit.objects.filter(item_id=item_id).order_by("pk").values_list("entered_at", "left_at"))
        gaps += sum(left != entered for (_a, left), (entered, _b) in pairwise(chain))
    if gaps:
        faults.append(f"{gaps} gaps in chains of visits")
    return faults


def _effects() -> list[str]:
    """A done comment run wrote its comment exactly once; any other one wrote none."""
    refs = dict(
        Event.objects.filter(kind="comment.added", cause_ref__startswith="run:")
        .values_list("cause_ref")
        .annotate(count=Count("pk"))
    )
    faults = []
    for pk, status in Run.objects.filter(rule__action="add_comment").values_list("pk", "status"):
        count = refs.get(f"run:{pk}", 0)
        if count != (1 if status == Status.DONE else 0):
            faults.append(f"run {pk} is {status} and wrote {count} comments")
    doubled = Run.objects.values("visit", "rule", "round").annotate(n=Count("pk")).filter(n__gt=1).count()
    if doubled:
        faults.append(f"{doubled} runs are doubled")
    return faults


def _messages() -> list[str]:
    faults = []
    pairs = Message.objects.filter(job__isnull=False).values_list("status", "job__status").annotate(n=Count("pk"))
    fits = {
        "planned": {"planned", "running"},
        "sending": {"sending"},
        "sent": {"done"},
        "delivered": {"done"},
        "skipped": {"skipped"},
        "failed": {"failed"},
        "cancelled": {"cancelled"},
        "unknown": {"unknown"},
    }
    for status, job, count in pairs:
        if job not in fits[status]:
            faults.append(f"{count} messages are {status} while their job is {job}")
    return faults
