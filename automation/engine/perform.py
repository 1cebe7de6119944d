"""Perform: one run, as a list of verbs. The engine opens the transaction, the action changes rows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import OperationalError, transaction
from django.utils.functional import SimpleLazyObject

from automation.base import Action, ActionError, Context, Outcome, action_of, bind, first_error
from automation.conditions import CannotJudge, judge
from automation.engine import chain
from automation.engine.plan import has_run, set_due
from automation.models import Rule, Run, scope_of
from automation.timing import Timing
from automation.values import facts_for, rendered
from crm.company.calendars import WorkingTime
from crm.events.notice import notify
from crm.ground import clock
from crm.ground.sentences import counted, everywhere, named, said
from crm.models import Forbidden, Item, Message, Pipeline, User
from crm.models.people import administrators
from crm.models.pipelines import machine_of
from crm.work.leased import LeaseLost, Status, backoff

log = logging.getLogger("dealwright.automation")

GRACE = timedelta(minutes=15)  # so long after closing a run may begin that was due before it


class Cancelled(Exception):
    """The run must not begin any more; the sentence says why."""


class Hold(Exception):
    """The run waits for a person; the sentence says why.

    Args:
        also: what must be written although the attempt is rolled back (a notice, the rule's pause).
    """

    def __init__(self, sentence: str, also: Callable[[], Any] | None = None) -> None:
        super().__init__(sentence)
        self.also = also


@dataclass
class Batch:
    """What the runs of one transaction share.

    Args:
        ends: their ends, written together. events: events that nobody waits for, likewise.
        prepared: by rule and version, whose rights count and the cleaned settings.
    """

    ends: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    prepared: dict[Any, tuple[User, dict[str, Any]]] = field(default_factory=dict)


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
    if not run.forced and has_run(rule, item):
        raise Cancelled(said("rule.has_run", "It has already run for this item."))
    if item.automation_paused_at is not None:
        raise Hold(said("item.paused", "Automation of this item is paused."))


def take_settings(run: Run) -> None:
    """Keep a copy of the settings it uses; a pinned run brought its own (E30)."""
    if run.taken is None:
        rule = run.rule
        run.taken = {
            "action": rule.action,
            "settings": rule.settings,
            "condition": rule.condition,
            "timing": rule.timing,
            "version": rule.version,
        }


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
        verdict = judge(condition, facts_for(item, run.visit, clock.now(), run.changes))
    except CannotJudge as error:
        raise ActionError(said("condition.cannot_judge", "The condition cannot be judged: %s") % error) from error
    run.condition_read = verdict.sentence
    if not verdict.true:
        chain.end(run, Status.SKIPPED, verdict.sentence, **chain.kept(run))
    return verdict.true


def prepare(run: Run, item: Item, batch: Batch) -> Context:
    """Rights, limits, settings: everything the action needs, or a readable reason why not."""
    rule = run.rule
    if action_of(rule.action).sends:
        check_hourly_limit(rule)
    known = (rule.pk, run.pk if run.pinned else rule.version)
    if known not in batch.prepared:
        batch.prepared[known] = (acting_for(rule), cleaned_settings(run))
    rights, settings = batch.prepared[known]
    if not rights.is_superuser:
        try:
            item.require(rights, "edit")  # E40: never more than the publisher may do with this very item
        except Forbidden as refused:
            told = said("right.missing", "The rule acts with the rights of %s, who may not change this card.")
            raise ActionError(told % rights.name) from refused
    # The item's own visit is at hand; a kept run belongs to an earlier one.
    visit = item.visit if item.visit_id == run.visit_id and item.visit is not None else run.visit
    return Context(run, rule, item, visit, rights, settings, run.outputs, rendered)


def cleaned_settings(run: Run) -> dict[str, Any]:
    """The action's form, bound again: what has gone since is a readable failure."""
    rule = run.rule
    raw = (run.taken or {}).get("settings", {})
    form = bind(action_of(rule.action).Settings, raw, scope_of(rule.stage, rule, running=True))
    if not form.is_valid():
        raise ActionError(everywhere("settings.fault", partial(first_error, form)))
    return form.cleaned_data


def acting_for(rule: Rule) -> User:
    """E40: the publisher, else the pipeline's automation owner (administrators are told), else the rule is held."""
    publisher = rule.publisher
    if publisher is not None and publisher.is_active:
        return publisher
    owner = Pipeline.objects.select_related("automation_owner").get(pk=rule.pipeline_id).automation_owner
    words = {"rule": rule.name}
    if owner is not None and owner.is_active:
        text = said("rule.successor", "The rule “%(rule)s” now acts with the rights of %(name)s.") % {
            **words,
            "name": owner.name,
        }
        notify(administrators(), text, kind="rights", group=f"successor:{rule.pk}")
        return owner
    text = (
        said("rule.held", "The rule “%(rule)s” is held: its publisher is no longer active and nobody takes over.")
        % words
    )
    raise Hold(
        said("publisher.gone", "Its publisher is no longer active and nobody takes over."),
        lambda: notify(administrators(), text, kind="rights", group=f"held:{rule.pk}"),
    )


def check_hourly_limit(rule: Rule) -> None:
    """E42: a rule above its message limit is paused, and one notice is given."""
    recent = Message.objects.filter(origin=f"rule:{rule.pk}", created_at__gt=clock.now() - timedelta(hours=1))
    if recent[: rule.hourly_limit].count() < rule.hourly_limit:
        return
    reason = said("rule.hourly_limit", "Paused: more than %d messages in an hour.") % rule.hourly_limit

    def pause() -> None:
        Rule.objects.filter(pk=rule.pk, paused_at__isnull=True).update(paused_at=clock.now(), paused_because=reason)
        notify(administrators(), named(rule.name, reason), kind="limit", group=f"limit:{rule.pk}")

    raise Hold(reason, pause)


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
        guarded_resume(run, Status.DONE, "")
        return
    ended = chain.already_ended(run.wait_on)
    if ended is not None:
        chain.resume(run, *ended)
    else:
        chain.end(run, Status.FAILED, said("awaited.too_long", "It waited until its deadline in vain."))


def guarded_resume(run: Run, status: str, sentence: str) -> None:
    """Action.resume() with its failures mapped; in the transaction of what woke it."""
    action: Action = action_of(run.rule.action)
    try:
        with transaction.atomic():
            # Read only if the action asks: what was chosen may be gone, and most have done all they needed it for.
            settings: Any = SimpleLazyObject(partial(cleaned_settings, run))
            context = Context(run, run.rule, run.item, run.visit, acting_for(run.rule), settings, run.outputs, rendered)
            outcome: Outcome = action.resume(context, status, sentence)
            chain.settle_outcome(run, outcome)
    except (LeaseLost, OperationalError):
        raise
    except Hold as error:
        # Released, it goes on at once: what it waited for has ended.
        run.change(status=Status.HELD, error=str(error), due_at=clock.now(), owner="", lease_until=None, crashes=0)
        if error.also is not None:
            error.also()
    except Exception as error:
        if not isinstance(error, ActionError):
            log.exception("run %s", run.pk)
        chain.end(run, Status.FAILED, str(error) or repr(error))
