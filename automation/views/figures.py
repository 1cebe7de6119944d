"""What each rule of a pipeline did in the last day, and what waits now."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count

from automation.models import Run
from automation.publishing.doors import WAITING
from automation.publishing.rows import Live
from crm.ground import clock
from crm.work.leased import Status

DAY = timedelta(days=1)
TOLD = {Status.DONE: "done", Status.SKIPPED: "skipped", Status.FAILED: "failed"}


def figures_of(live: Live) -> dict[str, dict[str, int]]:
    """By id of a rule: done, skipped, failed within 24 hours, waiting now; two queries."""
    ids = {row.pk: uid for uid, row in live.rules.items() if not row.retired}
    found: dict[str, dict[str, int]] = {}
    runs = Run.objects.filter(rule__in=ids)
    ended = runs.filter(status__in=TOLD, finished_at__gt=clock.now() - DAY)
    for rule, status, count in ended.values_list("rule", "status").annotate(count=Count("pk")).order_by():
        found.setdefault(ids[rule], {})[TOLD[status]] = count
    for rule, count in runs.filter(status__in=WAITING).values_list("rule").annotate(count=Count("pk")).order_by():
        found.setdefault(ids[rule], {})["waiting"] = count
    return found
