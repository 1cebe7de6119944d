"""Perform: one run, as a list of verbs. The engine opens the transaction, the action changes rows."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from django.db import OperationalError, transaction

from automation.base import ActionError, action_of
from automation.conditions import judge
from automation.engine import chain
from automation.engine.due import set_due
from automation.engine.prepare import Batch, Hold, acting_as, prepare
from automation.engine.revisions import Cancelled, follow
from automation.facts import CannotJudge
from automation.models import Run
from automation.timing import Timing
from automation.values import facts_for
from crm.company.calendars import WorkingTime
from crm.ground import clock
from crm.ground.sentences import counted, said
from crm.models import Item
from crm.pipelines.machine import machine_of
from crm.pipelines.roles import sees_profit
from crm.work.leased import LeaseLost, Status, backoff

log = logging.getLogger("dealwright.automation")

GRACE = timedelta(minutes=15)  # so long after closing a run may begin that was due before it


# ---------------------------------------------------------------------- one run


def perform(run: Run, item: Item, batch: Batch) -> None:
    """The straight line of one run. The item is locked; an exception of the action is an outcome, not a crash."""
    recheck(run, item)
    take_settings(run)
    if skip_if_late(run) or put_off(run, item):
        return
    if not ask_condition(run, item):
        return
    context = prepare(run, item, batch)
    outcome = action_of(run.rule.action).run(context)
    chain.settle_outcome(run, outcome)


def recheck(run: Run, item: Item) -> None:
    """Claimed is not begun: still due, visit open (or *keep*), rule on, nothing deleted or paused."""
    if item.deleted_at is not None:
        raise Cancelled(said("item.deleted", "the item was deleted"))
    if item.visit_id != run.visit_id and not run.keeps:
        raise Cancelled(said("stage.left", "left the stage"))
    rule = run.rule
    if rule.retired or not rule.is_enabled:
        raise Cancelled(said("rule.off", "the rule was switched off"))
    if rule.paused_at is not None:
        raise Hold(rule.paused_because)
    if not run.forced and rule.has_run(item):
        raise Cancelled(said("rule.has_run", "It has already run for this item."))
    if item.automation_paused_at is not None:
        raise Hold(said("item.paused", "Automation of this item is paused."))


def take_settings(run: Run) -> None:
    """Keep a copy of the settings it uses; a pinned run brought its own (E30)."""
    if run.taken is None and not follow(run):
        run.taken = run.rule.kept()


def skip_if_late(run: Run) -> bool:
    """E19, E22: later than the rule allows."""
    timing = Timing.of((run.taken or {}).get("timing", {}))
    if run.attempts or run.due_at is None or not timing.too_late(run.due_at, clock.now()):
        return False
    _skip_late(run, clock.now() - run.due_at)
    return True


def _skip_late(run: Run, by: timedelta) -> None:
    late = int(by.total_seconds() // 60)
    chain.end(
        run,
        Status.SKIPPED,
        counted("rule.late", "It was %d minute late.", "It was %d minutes late.", late) % late,
        **chain.kept(run),
    )


def _in_working_time(due: datetime, now: datetime, calendar: WorkingTime | None) -> datetime:
    """When a run that is due may begin: now in working time, or just after it if it was due in it; else at the opening."""
    if calendar is None or calendar.is_open(now):
        return due
    if calendar.reaches(due) and now - due <= GRACE:
        return due
    return calendar.next_opening(now)


def put_off(run: Run, item: Item) -> bool:
    """Still due? Its date may have moved while it was claimed (E20), or working time may be over (E22)."""
    timing = Timing.of((run.taken or {}).get("timing", {}))
    if run.forced or run.attempts or not (timing.date_field or timing.working_only):
        return False
    machine = machine_of(item.pipeline_id)
    now = clock.now()
    if timing.date_field:
        set_due(run, item, machine, run.created_at)
    if timing.working_only and run.due_at is not None and run.due_at <= now:
        counted = run.due_at
        run.due_at = _in_working_time(counted, now, machine.pipeline.working_time())
        if timing.too_late(counted, run.due_at):
            _skip_late(run, run.due_at - counted)
            return True
    if run.due_at is not None and run.due_at <= now:
        return False
    run.change(
        status=Status.PLANNED,
        due_at=run.due_at,
        waiting_for=run.waiting_for,
        owner="",
        lease_until=None,
        crashes=0,
        taken=run.taken if run.pinned else None,
    )
    return True


def ask_condition(run: Run, item: Item) -> bool:
    """E24, E25: judged when due, on fresh data."""
    condition = (run.taken or {}).get("condition")
    if not condition:
        return True
    try:
        sees = partial(_sees_profit, run)
        facts = facts_for(item, run.visit, clock.now(), run.changes, run.caller_id, sees_profit=sees)
        verdict = judge(condition, facts)
    except CannotJudge as error:
        raise ActionError(said("condition.cannot_judge", "The condition cannot be judged: %s") % error) from error
    run.condition_read = verdict.sentence
    if not verdict.true:
        chain.end(run, Status.SKIPPED, verdict.sentence, **chain.kept(run))
    return verdict.true


def _sees_profit(run: Run) -> bool:
    return sees_profit(acting_as(run))


# ---------------------------------------------------------------------- what comes of it


def attempt(run: Run, item: Item, batch: Batch) -> None:
    """perform(), with every way it can go mapped to one end. Database troubles and lost leases go through."""
    ends, events = len(batch.ends), len(batch.events)
    owner = run.owner
    try:
        with transaction.atomic():
            if run.wait_on:
                _time_is_up(run, item)
            else:
                perform(run, item, batch)
    except (LeaseLost, OperationalError):
        raise
    except Exception as error:
        # The savepoint is rolled back; so is what the attempt collected, and what it cleared in memory.
        del batch.ends[ends:], batch.events[events:]
        run.owner, run.status = owner, Status.RUNNING
        _after_failure(run, error)


def _after_failure(run: Run, error: Exception) -> None:
    """Write what came of it."""
    if isinstance(error, Cancelled):
        chain.end(run, Status.CANCELLED, str(error))
    elif isinstance(error, Hold):
        run.change(status=Status.HELD, error=str(error), owner="", lease_until=None, crashes=0)
        if error.also is not None:
            error.also()
    elif isinstance(error, ActionError) and not error.permanent and _may_retry(run, error.retry_after):
        run.retry(backoff(run.attempts + 1, error.retry_after), str(error), timedelta(hours=run.rule.retry_hours))
    else:
        if not isinstance(error, ActionError):
            log.exception("run %s", run.pk, exc_info=error)
        chain.end(run, Status.FAILED, str(error) or repr(error), **chain.kept(run))


def _may_retry(run: Run, retry_after: float | None) -> bool:
    left = timedelta(hours=run.rule.retry_hours) - run.tried_for()
    return left > timedelta() and timedelta(seconds=retry_after or 0) <= left


def _time_is_up(run: Run, item: Item) -> None:
    """A waiting run was claimed: its `until` has come."""
    if run.wait_on == "pause":
        chain.guarded_resume(run, Status.DONE, "")
        return
    ended = chain.already_ended(run.wait_on)
    if ended is not None:
        chain.resume(run, *ended)
    else:
        chain.guarded_resume(run, "late", said("awaited.too_long", "It waited until its deadline in vain."))
