"""Settling: what planned runs do after a publication changed their rule (E30): new settings, the old ones, or their end.

A publication writes a `RuleRevision` with the rule. Each claim decides by it for itself, so nothing runs with settings that
it should not have, and a job carries it out for all, times included.
"""

from __future__ import annotations

from automation.engine import chain
from automation.engine.control import cancel_planned, release_rule
from automation.engine.plan import replan
from automation.engine.revisions import Cancelled, follow
from automation.models import Rule, Run
from automation.publishing.publishing import SETTLE
from crm.ground import databases
from crm.ground.sentences import said
from crm.models import Item, Job, User
from crm.pipelines.machine import machine_of
from crm.work.leased import Status
from crm.work.queue import Kind, register_kind


def settle(job: Job) -> None:
    """The job of one rule, after a publication or its switching."""
    rule = Rule.objects.select_related("stage").get(pk=job.payload["rule"])
    if rule.retired or not rule.is_enabled:
        cancel_planned(rule, said("rule.off", "the rule was switched off"))
        return
    machine = machine_of(rule.pipeline_id)
    runs = Run.objects.filter(rule=rule, status__in=(Status.PLANNED, Status.HELD), pinned=False)
    for pk, item_id in runs.order_by("item_id", "pk").values_list("pk", "item_id"):
        item = databases.lock(Item.objects.filter(pk=item_id)).get()
        fresh = runs.filter(pk=pk).first()
        if fresh is None:
            continue
        fresh.rule = rule
        try:
            if follow(fresh):
                fresh.change(taken=fresh.taken, pinned=True)
        except Cancelled as cancelled:
            chain.end(fresh, Status.CANCELLED, str(cancelled))
            continue
        if fresh.status == Status.PLANNED and fresh.waiting_for != "previous":
            replan(fresh, item, machine)
    if job.payload.get("goes_on"):
        by = User.objects.filter(pk=job.payload["by"]).first()
        if by is not None and rule.paused_at is not None:
            release_rule(rule, by)


register_kind(Kind(SETTLE, settle, automation=True))
