"""What people do with runs: cancel, hold, release, run now, run again, stop all of a visit (E28, E46). Each is an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from automation import live
from automation.engine import chain
from automation.engine.plan import replan
from automation.models import Run
from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.sentences import said
from crm.items.models.gate import checked_by
from crm.models import Item, Job, StageVisit, User
from crm.pipelines.machine import machine_of
from crm.work import lanes
from crm.work.leased import UNSTARTED, Status
from crm.work.queue import ring


class NotNow(Exception):
    """The run is past the point where this could be done; the sentence says so."""


def _locked(run: Run, by: User, work: Callable[[Run], Any]) -> Any:
    def inside() -> Any:
        item = databases.lock(Item.objects.filter(pk=run.item_id)).get()
        checked_by(by, machine_of(item.pipeline_id), "edit", item)
        fresh = databases.lock(Run.objects.filter(pk=run.pk)).get()
        fresh.item = item
        return work(fresh)

    return databases.persistently(inside)


def _told(run: Run, by: User, verb: str) -> None:
    payload = {"run": run.pk, "rule": run.rule.name, "verb": verb}
    record("run.changed", item=run.item, actor=by, payload=payload)


def _require(run: Run, *statuses: str) -> None:
    if run.status not in statuses:
        raise NotNow(_("This run is %s already.") % run.get_status_display())


def cancel(run: Run, by: User) -> None:
    """Raises NotNow once it has started, Forbidden without the right to edit the item."""

    def work(fresh: Run) -> None:
        _require(fresh, *UNSTARTED)
        job = _job_of(fresh)
        if job is not None and (job.status not in UNSTARTED or job.payload.get("unsure_at")):
            raise NotNow(_("Its message is being sent already."))
        if job is not None:
            Job.cancel([job.pk], said("cancelled_by", "cancelled by %s") % by.name)
        chain.end(fresh, Status.CANCELLED, said("cancelled_by", "cancelled by %s") % by.name)
        _told(fresh, by, "cancelled")

    _locked(run, by, work)


def _job_of(run: Run) -> Job | None:
    kind, _colon, pk = run.wait_on.partition(":")
    return Job.objects.filter(pk=pk).first() if kind == "job" else None


def hold(run: Run, by: User) -> None:
    def work(fresh: Run) -> None:
        _require(fresh, Status.PLANNED)
        fresh.change(status=Status.HELD, error=said("held_by", "held by %s") % by.name)
        _told(fresh, by, "held")

    _locked(run, by, work)


def release(run: Run, by: User) -> None:
    """Back to planned; if its time has passed meanwhile, *skip if late* decides."""

    def work(fresh: Run) -> None:
        _require(fresh, Status.HELD)
        fresh.change(status=Status.PLANNED, error="")
        _catch_up(fresh)
        _told(fresh, by, "released")

    _locked(run, by, work)


def _catch_up(run: Run) -> None:
    """What happened while it was held: its turn in the chain came, its date was filled, its time passed."""
    if run.waiting_for == "previous" and run.after_order is not None:
        before = Run.objects.filter(visit_id=run.visit_id, order=run.after_order).order_by("-round").first()
        if before is not None:
            chain.judge_next(before)
    else:
        # Its date may have moved, or its rule been edited, while it was held (E20, E30).
        replan(run, run.item, machine_of(run.item.pipeline_id))
        ring()


def run_now(run: Run, by: User) -> None:
    def work(fresh: Run) -> None:
        _require(fresh, Status.PLANNED, Status.HELD)
        fresh.change(
            status=Status.PLANNED, due_at=clock.now(), waiting_for="", error="", forced=True, lane=lanes.SOMEBODY
        )
        ring()
        _told(fresh, by, "run now")

    _locked(run, by, work)


def _another_round(run: Run, **values: Any) -> Run:
    """A new run of the same rule for the same visit; the old one stays as it is."""
    rounds = Run.objects.filter(visit_id=run.visit_id, rule_id=run.rule_id).count()
    same = ("rule", "visit", "item", "caller", "order", "has_next", "alone", "depth", "changes")
    values |= {"round": rounds, "rule_version": run.rule.version}
    return Run.objects.create(**{name: getattr(run, name) for name in same}, **values)


def _follow(old: Run) -> None:
    """E46: the rules after it in the chain, of those that its first round left without a turn, wait for the new one."""
    seen: set[int] = set()
    after = Run.objects.filter(visit_id=old.visit_id, after_order=old.order)
    for run in after.select_related("rule", "visit", "item").order_by("-round", "-pk"):
        if run.rule_id in seen:
            continue
        seen.add(run.rule_id)
        if not chain.had_no_turn(run):
            continue  # it had its turn, or somebody or something else ended it
        keeps = run.keeps or run.visit_id == run.item.visit_id
        _another_round(run, after_order=run.after_order, waiting_for="previous", keeps=keeps)
        _follow(run)


def run_again(run: Run, by: User, *, old_settings: bool = False) -> Run:
    """E46: a new round of the same rule for the same visit: a new run with a new job; the old one stays as it is."""

    def work(fresh: Run) -> Run:
        _require(fresh, Status.FAILED, Status.CANCELLED, Status.SKIPPED, Status.DONE)
        again = _another_round(
            fresh,
            forced=True,
            keeps=True,  # a person asked for it, whatever stage the item is in by now
            due_at=clock.now(),
            taken=fresh.taken if old_settings else None,
            pinned=old_settings,
        )
        _follow(fresh)
        ring()
        _told(again, by, "run again")
        return again

    return _locked(run, by, work)


def stop_all(visit: StageVisit, by: User) -> int:
    """Cancel all runs of a visit that have not started, the last of a chain first; returns how many."""

    def work() -> int:
        item = databases.lock(Item.objects.filter(pk=visit.item_id)).get()
        checked_by(by, machine_of(item.pipeline_id), "edit", item)
        stopped = 0
        # From the end: cancelled counts as ended, so a rule cancelled first would start the one after it.
        for run in Run.objects.filter(visit=visit, status__in=UNSTARTED).order_by("-order", "-pk"):
            try:
                cancel(run, by)
                stopped += 1
            except NotNow:
                continue
        return stopped

    return databases.persistently(work)


def resume_item(item: Item, by: User) -> int:
    """Let the automation of an item go on after a flood stopped it (E42); returns how many runs were released."""
    with transaction.atomic():
        checked_by(by, machine_of(item.pipeline_id), "edit", item)
        Item.objects.filter(pk=item.pk).update(automation_paused_at=None)
        record("automation.resumed", item=item, actor=by)
    held = list(Run.objects.filter(item=item, status=Status.HELD).order_by("pk"))
    for run in held:
        release(run, by)
    return len(held)


def cancel_planned(rule: Any, reason: str) -> int:
    """E30: a rule switched off or retired cancels its planned runs; returns how many."""
    cancelled = 0
    for run in Run.objects.filter(rule=rule, status__in=(Status.PLANNED, Status.HELD)).order_by("item_id", "pk"):

        def work(pk: int = run.pk, item_id: int = run.item_id) -> int:
            databases.lock(Item.objects.filter(pk=item_id)).values_list("pk").first()
            fresh = Run.objects.filter(pk=pk, status__in=(Status.PLANNED, Status.HELD)).select_related("rule").first()
            if fresh is None:
                return 0
            chain.end(fresh, Status.CANCELLED, reason)
            return 1

        cancelled += databases.persistently(work)
    return cancelled


def release_rule(rule: Any, by: User) -> int:
    """An administrator lets a paused rule go on; its held runs are planned again."""
    live.go_on(rule, by)
    held = Run.objects.filter(rule=rule, status=Status.HELD)
    count = held.count()
    for run in held:
        release(run, by)
    return count
