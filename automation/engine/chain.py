"""Chain: every end of a run goes through here, and judges what follows it, in the same transaction."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from automation.base import Action, ActionError, Call, Context, Done, Outcome, Skip, Wait, action_of
from automation.confidential import named_in
from automation.engine import sets
from automation.engine.due import set_due
from automation.engine.prepare import Hold, acting_as, cleaned_settings
from automation.listening import awaited_kinds
from automation.models import Rule, Run
from automation.values import rendered
from crm.ground import clock
from crm.ground.sentences import said
from crm.models import Event, Job, Task
from crm.pipelines.machine import machine_of
from crm.work.leased import FINAL, UNSTARTED, LeaseLost, Status
from crm.work.queue import ring

log = logging.getLogger("dealwright.automation")


def end(run: Run, status: str, reason: str = "", **values: Any) -> None:
    """The one door to a run's final status; then the rule after it. Raises LeaseLost."""
    if run.wait_on:
        values.setdefault("due_at", None)  # the deadline of its wait is over with it
    if run.wait_on.startswith("set:") and status != Status.DONE:
        _end_called(run)
    if run.caller_id is not None:
        run.ends = None  # written at once: whoever called it counts those that have not ended
    run.end(status, reason, wait_on=run.wait_on if status == Status.UNKNOWN else "", waiting_for="", **values)
    if run.has_next:
        judge_next(run)
    if run.caller_id is not None:
        wake_caller(run)


def judge_next(run: Run) -> None:
    """E12: start, skip or hold the rules that stand after this one."""
    if run.status not in FINAL or run.status == Status.UNKNOWN:
        return  # `unknown` holds the chain until somebody settles it
    followers = Run.objects.filter(
        visit_id=run.visit_id, after_order=run.order, status=Status.PLANNED, waiting_for="previous"
    )
    for follower in followers.select_related("rule", "item"):
        try:
            with transaction.atomic():
                _judge(follower, run)
        except (LeaseLost, OperationalError):
            raise
        except Exception as error:
            # What cannot be planned fails by itself; it never takes the run before it along (E44).
            log.exception("run %s could not be started", follower.pk)
            end(
                Run.objects.select_related("rule", "item").get(pk=follower.pk), Status.FAILED, str(error) or repr(error)
            )


def _judge(follower: Run, run: Run) -> None:
    if _stops(run):
        end(follower, Status.SKIPPED, said("branch.stopped", "the chain was stopped by a condition before it"))
    elif met(follower.rule.after_previous, run.status):
        _start(follower)
    else:
        failed = run.status == Status.FAILED
        end(
            follower,
            Status.SKIPPED,
            said("previous.failed", "previous rule failed")
            if failed
            else said("previous.not_done", "previous rule was not done"),
        )


def _stops(run: Run) -> bool:
    """A branch whose condition was not met, or what such a one has stopped."""
    if run.status != Status.SKIPPED:
        return False
    return getattr(run.error, "code", "") == "branch.stopped" or action_of(run.rule.action).branches


NO_TURN = ("previous.failed", "previous.not_done", "branch.stopped")


def had_no_turn(run: Run) -> bool:
    """Whether the run was skipped because of the one before it."""
    if run.status != Status.SKIPPED:
        return False
    return getattr(run.error, "code", "") in NO_TURN or run.error in _sentences_of_no_turn()


@cache
def _sentences_of_no_turn() -> frozenset[str]:
    """As runs of version 0.11 and before kept it: in any language."""
    found: set[str] = set()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found |= {
                said("previous.failed", "previous rule failed"),
                said("previous.not_done", "previous rule was not done"),
            }
    return frozenset(found)


def met(form: str, status: str) -> bool:
    """Does this end of the rule above let the one after it run? Skipped and cancelled count as ended."""
    if form == Rule.After.DONE:
        return status == Status.DONE
    return form == Rule.After.ANY or status != Status.FAILED


def _start(follower: Run) -> None:
    set_due(follower, follower.item, machine_of(follower.item.pipeline_id), clock.now())
    Run.objects.filter(pk=follower.pk, status=Status.PLANNED).update(
        due_at=follower.due_at, waiting_for=follower.waiting_for, lane=follower.lane
    )
    if follower.due_at and follower.due_at <= clock.now():
        ring()


# ---------------------------------------------------------------------- sets


def call(run: Run, asked: Call) -> None:
    """Plan the set's rules, and wait for the last of them to end."""
    made = sets.planned(run, asked)
    # Its rules have limits of their own; the call lasts as long as they do.
    wait(run, Wait(f"set:{run.pk}", clock.now() + timedelta(days=MAX_CALL_DAYS)))
    for one in made:
        if one.status in FINAL and one.has_next:
            judge_next(one)
    if any(one.due_at and one.due_at <= clock.now() for one in made):
        ring()
    wake_if_ended(run)


def _end_called(caller: Run) -> None:
    """The call is over: what it called ends too, the last first, with what waits to be sent for it; sets of sets included."""
    reason = said("set.ended", "the rule that called its set has ended")
    for one in Run.objects.filter(caller=caller, status__in=UNSTARTED).select_related("rule").order_by("-order"):
        kind, _colon, pk = one.wait_on.partition(":")
        job = Job.objects.filter(pk=pk).first() if kind == "job" else None
        if job is not None and job.status not in UNSTARTED:
            continue  # it is being sent, and ends with that
        if job is not None:
            Job.cancel([job.pk], reason)
        one.has_next = False  # those after it end here as well
        end(one, Status.CANCELLED, reason)


def wake_caller(run: Run) -> None:
    caller = (
        Run.objects.filter(pk=run.caller_id or 0, status=Status.WAITING).select_related("rule", "item", "visit").first()
    )
    if caller is not None:
        wake_if_ended(caller)


def wake_if_ended(caller: Run) -> None:
    """`unknown` holds it until somebody settles it."""
    ended = [status for status in FINAL if status != Status.UNKNOWN]
    if not Run.objects.filter(caller=caller).exclude(status__in=ended).exists():
        guarded_resume(caller, Status.DONE, "")


# ---------------------------------------------------------------------- waits that end


def kept(run: Run) -> dict[str, Any]:
    """What a run remembers of how it went: the settings it used, what its condition read."""
    return {"taken": run.taken, "condition_read": run.condition_read}


def settle_outcome(run: Run, outcome: Any) -> None:
    """Write an outcome of run() or resume()."""
    if isinstance(outcome, Done):
        # Whoever sees the card reads what runs say of themselves, and not all of them see profit.
        summary = "" if named_in((run.taken or {}).get("settings")) else outcome.summary
        end(run, Status.DONE, summary, outputs=outcome.outputs, **kept(run))
    elif isinstance(outcome, Skip):
        end(run, Status.SKIPPED, outcome.reason, **kept(run))
    elif isinstance(outcome, Wait):
        wait(run, outcome)
    elif isinstance(outcome, Call):
        call(run, outcome)
    else:
        raise TypeError(f"{run.rule.action}: run() returned {outcome!r}, not Done, Skip or Wait")


MAX_WAIT_DAYS = 90
MAX_CALL_DAYS = 3650


def wait(run: Run, outcome: Wait) -> None:
    """The run waits; what has already ended resumes it at once. The item is locked by the caller.

    Raises ActionError for an event that no installed action announces: nobody would ever wake the run.
    """
    what, _colon, event = outcome.on.partition(":")
    if what == "event" and event not in awaited_kinds():
        words = said("awaited.unannounced", "It would wait for “%s”, which no action announces; it would never go on.")
        raise ActionError(words % event)
    until = outcome.until or clock.now() + timedelta(days=MAX_WAIT_DAYS)
    run.change(
        status=Status.WAITING,
        wait_on=outcome.on or "pause",
        due_at=until,
        outputs=outcome.outputs,
        owner="",
        lease_until=None,
        crashes=0,
        **kept(run),
    )
    ended = already_ended(outcome.on)
    if ended is not None:
        resume(run, *ended)


def already_ended(on: str) -> tuple[str, str] | None:
    kind, _colon, ref = on.partition(":")
    if kind == "job":
        job = Job.objects.filter(pk=ref).first()
        if job is None:
            return Status.CANCELLED, said("awaited.gone", "What it waited for is gone.")
        return (job.status, job.error) if job.is_final else None
    if kind == "task":
        task = Task.objects.filter(pk=ref).first()
        if task is None:
            return Status.CANCELLED, said("awaited.gone", "What it waited for is gone.")
        return None if task.is_open else (task.status, "")
    return None


def resume(run: Run, status: str, sentence: str) -> None:
    """What the run waited for has ended; the item is locked by the caller."""
    if status == Status.UNKNOWN:
        run.end(Status.UNKNOWN, sentence, wait_on=run.wait_on, due_at=None)
    elif status == Status.CANCELLED:
        end(run, Status.CANCELLED, sentence)
    else:
        guarded_resume(run, status, sentence)


def guarded_resume(run: Run, status: str, sentence: str) -> None:
    """Action.resume() with its failures mapped; in the transaction of what woke it."""
    action: Action = action_of(run.rule.action)
    try:
        with transaction.atomic():
            # Read only if the action asks: what was chosen may be gone, and most have done all they needed it for.
            settings: Any = SimpleLazyObject(partial(cleaned_settings, run))
            context = Context(run, run.rule, run.item, run.visit, acting_as(run), settings, run.outputs, rendered)
            outcome: Outcome = action.resume(context, status, sentence)
            settle_outcome(run, outcome)
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
        end(run, Status.FAILED, str(error) or repr(error))


def _wake(on: str, status: str, sentence: str) -> None:
    waiting = Run.objects.filter(wait_on=on, status__in=(Status.WAITING, Status.UNKNOWN))
    for run in waiting.select_related("rule", "item", "visit"):
        resume(run, status, sentence)


def wake_by_job(job: Job) -> None:
    """Slot job_ended."""
    _wake(f"job:{job.pk}", job.status, job.error)


def wake_by_task(task: Task) -> None:
    """Slot task_ended."""
    _wake(f"task:{task.pk}", task.status, "")


def wake(on: str) -> None:
    """What runs wait for has come, "approval:3" or "app:5"; the item is locked by the caller."""
    _wake(on, Status.DONE, "")


def wake_by_event(event: Event) -> None:
    if event.item_id and event.kind in awaited_kinds():
        waiting = Run.objects.filter(item_id=event.item_id, wait_on=f"event:{event.kind}", status=Status.WAITING)
        for run in waiting.select_related("rule", "item", "visit"):
            resume(run, Status.DONE, "")


def job_replaced(old: Job, new: Job) -> None:
    """Slot: a message is sent again with a new job; its run waits for that one now."""
    runs = Run.objects.filter(wait_on=f"job:{old.pk}", status__in=(Status.WAITING, Status.UNKNOWN))
    runs.update(wait_on=f"job:{new.pk}", status=Status.WAITING, finished_at=None, error="")
