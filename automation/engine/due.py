"""Due: when a run falls due, by its rule's timing, the item and the calendar; and whether it shares a transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from automation.models import Run
from automation.timing import Timing, zone_for
from crm.ground import clock
from crm.models import Item
from crm.pipelines.machine import Machine
from crm.work import lanes

MAX_DEPTH = 10  # E41: causes of causes; further on rules or triggers go in a circle


def timing_of(run: Run) -> Timing:
    """The rule's newest timing, or the one that the run was fixed to (E30)."""
    return Timing.of(run.taken.get("timing", {})) if run.pinned and run.taken else run.rule.when()


def set_due(run: Run, item: Item, machine: Machine, start: datetime) -> None:
    """Give the run its due time, or the reason why it has none yet. Raises NoCalendar, ValueError, OverflowError."""
    timing = timing_of(run)
    if timing.when == "now" and not timing.working_only:
        run.due_at, run.waiting_for = start, ""
        return
    _due_by(run, timing, item, machine, start)
    if run.due_at is None or run.due_at > clock.now():
        run.lane = lanes.BULK  # nobody waits for what falls due some time


def _due_by(run: Run, timing: Timing, item: Item, machine: Machine, start: datetime) -> None:
    calendar = machine.pipeline.working_time()
    zone, _whose = zone_for(timing, item, calendar)
    value = item.value_of(timing.date_field) if timing.date_field else None
    due = timing.due(start, calendar, zone, value)
    if due is None:
        run.due_at, run.waiting_for = None, f"date:{timing.date_field}"
        return
    run.waiting_for = ""
    if timing.date_field and run.after_order is not None:
        due = max(due, start)  # after the previous one *and* by a date: the later of both
    run.due_at = due


def end_unstarted(run: Run, status: str, reason: str) -> None:
    """Of a run that is not written yet."""
    run.status, run.error, run.finished_at, run.due_at = status, reason, clock.now(), None
    run.waiting_for = ""


def travels_alone(action: Any) -> bool:
    """Whether runs of an action share no transaction with others: it says so, or it waits for events."""
    return bool(action.alone or action.awaits)
