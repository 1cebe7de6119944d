"""Timers: what triggers of time wait for. One `Job` for each trigger and subject; its key names both, its due time moves.

Armed by the events that the type names, by saving the trigger, and by what imports take in. When one is due, its type is
asked again: not any more, later, or now; now is told as an event, which `match` takes from there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.apps import apps

from automation.base import SettingsForm, TriggerType, bind
from automation.compiled import automation_of
from automation.listening import arming
from automation.models import Trigger, scope_of, type_of
from crm.ground import clock
from crm.ground.sentences import said
from crm.models import Event, Item, Job
from crm.pipelines.machine import Machine, machine_of
from crm.work import lanes
from crm.work.leased import Status

log = logging.getLogger("dealwright.automation")

KIND = "timer"
ARMING = "arm_timers"
SLICE = 50  # one transaction; on SQLite it holds the one writer's lock

# What an armed timer has, whatever became of it before.
_ANEW = {
    "status": Status.PLANNED,
    "lane": lanes.BULK,
    "owner": "",
    "lease_until": None,
    "finished_at": None,
    "error": "",
}
_COUNTERS = {"attempts": 0, "crashes": 0, "first_failed_at": None}


# The timer that is being told: what its own telling brings about does not arm it again under the worker that holds it.
_telling: ContextVar[str] = ContextVar("timer_telling", default="")


def key_of(trigger: Trigger, subject: Any) -> str:
    return f"timer:{trigger.pk}:{subject.pk}"


def on_event(event: Event, machine: Machine | None = None) -> None:
    """Count anew what the event may have changed; in its transaction, one statement for all timers of a subject."""
    for known in arming(event.kind, event.cause_kind):
        found = known()
        for subject in found.subjects_of(event):
            for pipeline_id in found.pipelines_of(subject):
                own = machine is not None and machine.pipeline.pk == pipeline_id
                triggers = automation_of(machine if own and machine else machine_of(pipeline_id)).timed(known.key)
                arm([(trigger, subject) for trigger in triggers], event)


def taken_in(items: Iterable[Item]) -> None:
    """Slot items_taken_in: cards that came without a word to triggers; their time counts all the same."""
    by_pipeline: dict[int, list[Item]] = {}
    for item in items:
        by_pipeline.setdefault(item.pipeline_id, []).append(item)
    for pipeline_id, some in by_pipeline.items():
        timed = [t for t in automation_of(machine_of(pipeline_id)).timed() if _waits_for_items(t)]
        arm([(trigger, item) for trigger in timed for item in some])


def _waits_for_items(trigger: Trigger) -> bool:
    return bool(type_of(trigger).subject == TriggerType.subject)


# ---------------------------------------------------------------------- arming


def arm(pairs: list[tuple[Trigger, Any]], event: Event | None = None) -> None:
    """Set the timers of triggers and their subjects to when they are due; those that are not due at all end."""
    timers: list[Job] = []
    idle: list[str] = []
    for trigger, subject in pairs:
        if key_of(trigger, subject) == _telling.get():
            continue
        due_at = _due_at(trigger, subject, event)
        if due_at is None:
            idle.append(key_of(trigger, subject))
        else:
            timers.append(_timer(trigger, subject, due_at))
    if timers:
        columns = ["due_at", "item", *_ANEW, *_COUNTERS]
        Job.objects.bulk_create(timers, update_conflicts=True, unique_fields=["key"], update_fields=columns)
    if idle:
        reason = said("timer.idle", "there is nothing to wait for any more")
        _planned().filter(key__in=idle).update(status=Status.CANCELLED, error=reason, finished_at=clock.now())


def _planned() -> Any:
    return Job.objects.filter(kind=KIND, status=Status.PLANNED, finished_at=None)


def _due_at(trigger: Trigger, subject: Any, event: Event | None) -> datetime | None:
    """What cannot be counted (no calendar, settings that no longer fit) is logged and not waited for (E44)."""
    found = type_of(trigger)
    try:
        due: datetime | None = found.due_for(subject, settings_of(trigger), event)
    except Exception:
        log.warning("trigger %s cannot say when it is due", trigger.pk, exc_info=True)
        return None
    late = found.catch_up
    if due is not None and late is not None and due < clock.now() - late:
        return None
    return due


def _timer(trigger: Trigger, subject: Any, due_at: datetime) -> Job:
    return Job(
        kind=KIND,
        key=key_of(trigger, subject),
        due_at=due_at,
        item=type_of(trigger).item_of(subject),
        payload={"trigger": trigger.pk, "subject": subject.pk},
        **_ANEW,
    )


def settings_of(trigger: Trigger) -> dict[str, Any]:
    """The cleaned settings. Raises ValueError where they no longer fit."""
    form: SettingsForm = bind(type_of(trigger).Settings, trigger.settings, scope_of(trigger.stage, running=True))
    if not form.is_valid():
        raise ValueError(form.errors)
    return form.cleaned_data


def arm_all(job: Job) -> Any:
    """A trigger of time was saved: its timers for what is there, slice by slice; of one that is off they end."""
    trigger = Trigger.objects.select_related("stage__pipeline").filter(pk=job.payload["trigger"]).first()
    if trigger is None or not _is_on(trigger):
        mine = _planned().filter(payload__trigger=job.payload["trigger"])
        mine.update(status=Status.CANCELLED, error=said("trigger.off", "the trigger is off"), finished_at=clock.now())
        return None
    found = type_of(trigger)
    rows = found.subjects(trigger.stage.pipeline).filter(pk__gt=job.payload.get("after", 0)).order_by("pk")[:SLICE]
    some = list(rows)
    arm([(trigger, subject) for subject in some])
    if len(some) < SLICE:
        return None
    job.change(payload=job.payload | {"after": some[-1].pk})
    return clock.now()


def _is_on(trigger: Trigger) -> bool:
    found = type_of(trigger)
    return bool(trigger.is_enabled and not trigger.retired and not trigger.unconfirmed and found and found.is_timed())


# ---------------------------------------------------------------------- due


def ring_out(job: Job) -> Any:
    """A timer is due: judged again on fresh data, then told. The card is locked by the worker."""
    trigger = Trigger.objects.select_related("stage").filter(pk=job.payload["trigger"]).first()
    if trigger is None or not _is_on(trigger):
        return Status.SKIPPED, said("trigger.off", "the trigger is off")
    found = type_of(trigger)
    subject = apps.get_model(found.subject)._base_manager.filter(pk=job.payload["subject"]).first()
    gone = subject is None or found.item_of(subject).deleted_at is not None
    if gone or trigger.pipeline_id not in found.pipelines_of(subject):
        return Status.SKIPPED, said("timer.idle", "there is nothing to wait for any more")
    settings = settings_of(trigger)
    due_at = found.due_for(subject, settings)
    if due_at is None:
        return Status.SKIPPED, said("timer.idle", "there is nothing to wait for any more")
    if due_at > clock.now():
        return due_at
    token = _telling.set(job.key)
    try:
        found.tell(subject, settings, due_at)
    finally:
        _telling.reset(token)
    return None
