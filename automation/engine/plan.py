"""Plan: the rules of the stage that was entered become Run rows, in the move's own transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from automation.base import action_of
from automation.compiled import Automation, automation_of
from automation.engine import chain, linked, timers
from automation.engine.due import MAX_DEPTH, end_unstarted, set_due, timing_of, travels_alone
from automation.listening import arming, awaited_kinds, types_for
from automation.models import Rule, Run
from crm.events.notice import notify
from crm.events.record import Entry
from crm.ground import clock, databases
from crm.ground.sentences import named, said
from crm.models import Event, Item, Job, StageVisit
from crm.people.models import administrators
from crm.pipelines.machine import Machine, machine_of
from crm.work.leased import UNSTARTED, Status
from crm.work.queue import ring

log = logging.getLogger("dealwright.automation")

MAX_MOVES_AN_HOUR = 100  # E42


REPLANNING = ("field.changed", "task.created", "task.status", "task.changed")


# In a batch, whose items are locked: ids of those of which a run waits for an event, with its kind. Asked for once a batch;
# none can come about meanwhile, since what waits for events travels alone.
awaited_in_batch: ContextVar[set[tuple[int, str]] | None] = ContextVar("awaited_in_batch", default=None)


def cares_for(kind: str, cause: str, item: int | None) -> bool:
    """Slot event_interest: what trigger types, timers, waiting runs or date rules must hear of at once."""
    if kind in REPLANNING or types_for(kind) or arming(kind, cause):
        return True
    return item is not None and kind in awaited_kinds() and _is_awaited(kind, item)


def _is_awaited(kind: str, item: int) -> bool:
    known = awaited_in_batch.get()
    if known is not None:
        return (item, kind) in known
    return Run.objects.filter(item=item, wait_on=f"event:{kind}", status=Status.WAITING).exists()


def awaited(items: Iterable[int]) -> set[tuple[int, str]]:
    """Of which of these items (ids) runs wait for events, with the kinds; one query."""
    rows = Run.objects.filter(item__in=items, status=Status.WAITING, wait_on__startswith="event:")
    return {(item, wait_on.removeprefix("event:")) for item, wait_on in rows.values_list("item", "wait_on")}


def on_event(sender: Any, event: Event, entry: Entry | None, **kwargs: Any) -> None:
    """The one receiver of `event_recorded`: what must commit with the event."""
    if entry is not None:
        cancel_left(entry)
        if event.quiet:
            return
        if entry.visit is not None and entry.start_rules:
            plan(entry, event)
        machine: Machine | None = entry.machine
    elif event.item is not None and cares_for(event.kind, event.cause_kind, event.item_id):
        machine = machine_of(event.item.pipeline_id)
        if event.kind in REPLANNING:
            replan_dates(event, machine)
    else:
        machine = None
    timers.on_event(event, machine)
    linked.on_event(event)
    plan_match(event, machine)
    chain.wake_by_event(event)


# ---------------------------------------------------------------------- entering


def plan(entry: Entry, event: Event) -> list[Run]:
    """One Run for each enabled rule of the stage (E01). Never fails: a rule that cannot be planned is a failed run."""
    item, visit = entry.item, entry.visit
    assert visit is not None
    rules = automation_of(entry.machine).rules.get(visit.stage_id, [])
    if not any(rule.is_enabled for rule in rules):
        return []
    changes = _entry_changes(event, visit)
    loop = visit.depth >= MAX_DEPTH
    flood = not loop and visit.cause().automatic and _flooded(item)
    planned: list[Run] = []
    previous: int | None = None
    for order, rule in enumerate(rules):
        follows = previous if rule.after_previous else None
        if rule.is_enabled:
            planned.append(_run(entry, changes, rule, order, follows))
            previous = order
        else:
            # Switched off it counts as ended; within a chain it passes on what it would have waited for.
            previous = follows
    followed = {run.after_order for run in planned if run.after_order is not None}
    for run in planned:
        run.has_next = run.order in followed
    if loop:
        _stop_loop(planned, visit, item)
    elif flood:
        _stop_flood(planned, item)
    made = Run.objects.bulk_create(planned)
    for run in made:
        if run.status in (Status.FAILED, Status.SKIPPED) and run.has_next and not loop:
            chain.judge_next(run)
    if any(run.status == Status.PLANNED and run.due_at and run.due_at <= visit.entered_at for run in made):
        ring()
    return made


def _run(entry: Entry, changes: dict[str, Any], rule: Rule, order: int, follows: int | None) -> Run:
    visit = entry.visit
    assert visit is not None
    run = Run(
        rule=rule,
        rule_version=rule.version,
        visit=visit,
        item=entry.item,
        order=order,
        after_order=follows,
        keeps=rule.on_leave == Rule.OnLeave.KEEP,
        alone=travels_alone(action_of(rule.action)),
        depth=visit.depth,
        created_at=visit.entered_at,
        changes=changes,
    )
    try:
        if rule.has_run(entry.item):
            end_unstarted(run, Status.SKIPPED, said("rule.has_run", "It has already run for this item."))
        elif follows is not None:
            run.waiting_for = "previous"
        else:
            set_due(run, entry.item, entry.machine, visit.entered_at)
    except Exception as error:  # planning never breaks a move (E44)
        log.exception("rule %s could not be planned", rule.pk)
        end_unstarted(run, Status.FAILED, str(error) or repr(error))
    return run


def _entry_changes(event: Event, visit: StageVisit) -> dict[str, Any]:
    """What *became* and *changed* may read of the entry: the stage, the dialog's fields, and what the event changed by
    which a trigger brought the card here (E23)."""
    changes: dict[str, Any] = {}
    source, _colon, rest = (visit.key or "").partition(":")
    if visit.cause_kind == "trigger" and source == "event":
        cause = Event.objects.filter(pk=rest.partition(":")[0]).first()
        changes |= cause.data("changes", {}) if cause is not None else {}
    changes |= {"stage": [event.data("from", None) or None, event.data("to", None) or None]}
    changes |= {name: [None, value] for name, value in event.data("fields", {}).items()}
    return changes


# ---------------------------------------------------------------------- loops and floods


def loop_path(visit: StageVisit) -> str:
    """ "A → B → A": the stages by which the chain of causes came here."""
    names: list[str] = []
    here: StageVisit | None = visit
    while here is not None and len(names) < MAX_DEPTH + 1:
        names.append(here.stage.name)
        kind, _colon, pk = here.cause_ref.partition(":")
        cause = Run.objects.filter(pk=pk).select_related("visit__stage").first() if kind == "run" else None
        here = (
            cause.visit
            if cause is not None
            else StageVisit.objects.filter(item_id=visit.item_id, entered_at__lt=here.entered_at, depth__lt=here.depth)
            .select_related("stage")
            .order_by("-entered_at")
            .first()
            if here.depth
            else None
        )
    return " → ".join(reversed(names))


def _stop_loop(runs: list[Run], visit: StageVisit, item: Item) -> None:
    reason = said("loop", "loop: %s") % loop_path(visit)
    for run in runs:
        end_unstarted(run, Status.FAILED, reason)
    notify(
        administrators(),
        said("loop.stopped", "Rules move “%(title)s” in a circle and were stopped (%(why)s).")
        % {"title": item.title, "why": reason},
        item=item,
        kind="loop",
        group=f"loop:{item.pk}",
    )


def _flooded(item: Item) -> bool:
    if item.automation_paused_at is not None:
        return True
    since = clock.now() - timedelta(hours=1)
    moves = StageVisit.objects.filter(item=item, entered_at__gt=since, cause_kind__in=("rule", "trigger", "system"))
    return moves.count() > MAX_MOVES_AN_HOUR


def _stop_flood(runs: list[Run], item: Item) -> None:
    reason = (
        said("flood", "Automation of this item is paused: more than %d automatic moves in an hour.") % MAX_MOVES_AN_HOUR
    )
    for run in runs:
        if run.status == Status.PLANNED:
            run.status, run.error = Status.HELD, reason
    if item.automation_paused_at is None:
        item.automation_paused_at = clock.now()
        Item.objects.filter(pk=item.pk).update(automation_paused_at=item.automation_paused_at)
        notify(administrators(), named(item.title, reason), item=item, kind="loop", group=f"flood:{item.pk}")


# ---------------------------------------------------------------------- leaving


def cancel_left(entry: Entry) -> None:
    """E26: runs of the left visit that have not started are cancelled; the entry remembers them for undo."""
    if entry.left_id is None:
        return
    # A move that may be taken back also remembers what a worker has claimed: claimed is not begun, its worker waits
    # for the item and will find that it is no longer the owner.
    undoable = entry.visit is not None and entry.visit.undo_until is not None
    endable = (*UNSTARTED, Status.RUNNING) if undoable else UNSTARTED
    alive = Run.objects.filter(item_id=entry.item.pk, status__in=endable)
    if entry.visit is not None:
        alive = alive.filter(visit_id=entry.left_id, keeps=False)
    runs = [run for run in databases.lock(alive.order_by("pk")) if not _is_sending(run)]
    if not runs:
        return
    entry.cancelled["runs"] = [[run.pk, run.status, run.due_at.isoformat() if run.due_at else None] for run in runs]
    reason = (
        said("stage.left", "left the stage")
        if entry.visit is not None
        else said("item.deleted", "the item was deleted")
    )
    Run.objects.filter(pk__in=[run.pk for run in runs], status__in=endable).update(
        status=Status.CANCELLED, error=reason, finished_at=clock.now(), due_at=None, owner="", lease_until=None
    )
    for run in runs:
        if run.has_next:
            run.status = Status.CANCELLED
            chain.judge_next(run)


def _is_sending(run: Run) -> bool:
    """E27: its message is on the way; it ends with it."""
    kind, _colon, pk = run.wait_on.partition(":")
    on_its_way = Q(status=Status.SENDING) | Q(payload__has_key="unsure_at", finished_at=None)
    return kind == "job" and Job.objects.filter(on_its_way, pk=pk).exists()


# ---------------------------------------------------------------------- dates that change (E20)


def replan_dates(event: Event, machine: Machine) -> None:
    """A date that rules of the open visit count from was filled, changed or cleared."""
    item = event.item
    assert item is not None
    if event.kind == "field.changed":
        names = set(event.data("changes", {}))
    else:
        names = {"next_activity_at"}
    names &= automation_of(machine).date_fields
    if not names:
        return
    fresh = Item.objects.get(pk=item.pk)
    runs = Run.objects.filter(item=item, status=Status.PLANNED).exclude(waiting_for="previous")
    for run in runs.select_related("rule").order_by("pk"):
        if timing_of(run).date_field in names:
            replan(run, fresh, machine)


def replan(run: Run, item: Item, machine: Machine) -> None:
    """Count the due time anew; one that cannot be counted fails by itself. The item is locked by the caller."""
    if run.attempts or run.forced:
        return  # it is being retried, or a person asked for it now
    try:
        set_due(run, item, machine, _start_of(run))
    except Exception as error:
        chain.end(run, Status.FAILED, str(error) or repr(error))
        return
    Run.objects.filter(pk=run.pk, status__in=(Status.PLANNED, Status.HELD)).update(
        due_at=run.due_at, waiting_for=run.waiting_for, lane=run.lane
    )
    if run.due_at and run.due_at <= clock.now():
        ring()


def _start_of(run: Run) -> datetime:
    """From when its time counts: the entry, or the end of the rule before it."""
    if run.after_order is None:
        return run.created_at
    before = Run.objects.filter(visit_id=run.visit_id, order=run.after_order, finished_at__isnull=False)
    ended = before.order_by("-finished_at").values_list("finished_at", flat=True).first()
    return ended or clock.now()


# ---------------------------------------------------------------------- handing on to match


def plan_match(event: Event, machine: Machine | None = None) -> None:
    """A job to match the event, if any trigger may care."""
    keys = types_for(event.kind)
    if not keys:
        return
    if event.item_id:
        assert event.item is not None
        known: Automation = automation_of(machine or machine_of(event.item.pipeline_id))
        if not any(trigger.type in keys for trigger in known.triggers):
            return
    elif not event.contact_id:
        return
    Job.objects.create(
        kind="match",
        key=f"match:{event.pk}",
        due_at=clock.now(),
        item_id=event.item_id,
        payload={"event": event.pk},
    )
    ring()
