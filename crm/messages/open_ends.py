"""A message that may have left: the provider is asked what it took, or a person says; never sent twice blindly (E47).

A job keeps in its payload `unsure_from` (when its first open attempt began; never moved, the provider's list is read from
there) and, while it is asked about, `unsure_at` (when the last attempt ended open).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from crm import slots
from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.sentences import said
from crm.messages import delivery
from crm.messages.models.messages import Channel, Message
from crm.messages.transports.base import NotAnswerable, Transport, TransportError, transports
from crm.people.models import User
from crm.work.jobs import Foreseen, end_waiters, lock_items, may_retry, retry_limit
from crm.work.leased import MAX_CRASHES, Status, backoff
from crm.work.models import Job

# What is not in the provider's list by then was never taken.
SETTLED_AFTER = timedelta(minutes=2)
ASK_EVERY = timedelta(seconds=20)
# A provider that gives no answer for so long will not: a person, or its callback, settles it.
ASK_FOR = timedelta(minutes=10)


class StillOpen(TransportError, Foreseen):
    """It may still turn up in the list."""


class NotThere(TransportError, Foreseen):
    """It is certain that the provider has not taken it: it may be sent again, with all that is asked before."""


def is_asking(job: Job) -> bool:
    """Whether it may have left: it ends with the provider's answer, whatever else happens to card or customer."""
    return bool(job.payload.get("unsure_at"))


def asked(transport: Transport, message: Message, job: Job) -> str:
    """The provider's id of the message. Raises StillOpen, NotThere, NotAnswerable."""
    since, ended = (datetime.fromisoformat(job.payload[key]) for key in ("unsure_from", "unsure_at"))
    waited = clock.now() - ended
    try:
        found = transport.find(message, since)
    except TransportError as error:
        if error.permanent or isinstance(error, NotAnswerable) or waited >= ASK_FOR:
            raise NotAnswerable(str(error)) from error
        raise StillOpen(str(error)) from error
    if found:
        return found
    if waited < SETTLED_AFTER:
        raise StillOpen(said("message.asking", "It may have left: the provider is asked."))
    raise NotThere(said("message.not_taken", "The provider has not taken it."))


def is_open(job: Job, channel: Channel, outcome: Any) -> bool:
    """Whether it may have left and the provider can be asked about it."""
    found = transports.get(channel.transport)
    if found is None or not found.lists or isinstance(outcome, NotAnswerable):
        return False
    if outcome is None:
        return job.crashes < MAX_CRASHES
    return isinstance(outcome, StillOpen) or (isinstance(outcome, TransportError) and outcome.sent)


def ask_later(job: Job, outcome: Any) -> bool:
    """Plan the next question; False once its retries are over, and nobody knows."""
    now = clock.now()
    only_asked = isinstance(outcome, StillOpen) or (outcome is None and is_asking(job))
    if not only_asked and not may_retry(job):
        return False
    payload = {"unsure_from": (job.started_at or now).isoformat(), **job.payload}
    if not only_asked:
        payload["unsure_at"] = now.isoformat()
    job.change(
        status=Status.PLANNED,
        payload=payload,
        due_at=now + ASK_EVERY,
        error=said("message.asking", "It may have left: the provider is asked."),
        attempts=job.attempts + (not only_asked),
        first_failed_at=job.first_failed_at or now,
        crashes=job.crashes if outcome is None else 0,
        owner="",
        lease_until=None,
    )
    return True


def send_again(job: Job) -> bool:
    """It never left: planned again after the usual pause; False once its retries are over."""
    if not may_retry(job):
        return False
    ended = datetime.fromisoformat(job.payload["unsure_at"])
    payload = {key: value for key, value in job.payload.items() if key != "unsure_at"}
    now = clock.now()
    last = now + max(retry_limit(job) - job.tried_for(), timedelta())
    due = min(max(now, ended + backoff(job.attempts)), last)
    job.change(status=Status.PLANNED, payload=payload, due_at=due, error="", crashes=0, owner="", lease_until=None)
    return True


def settle(message: Message, arrived: bool, by: User) -> None:
    """A person settles *unknown*: it arrived, or it shall be sent again with a new job (E47)."""

    def work() -> None:
        job = message.job
        assert job is not None
        lock_items([job])
        fresh = databases.lock(Message.objects.filter(pk=message.pk)).get()
        if fresh.status != Message.Status.UNKNOWN:
            return
        if arrived:
            Message.objects.filter(pk=fresh.pk).update(status=Message.Status.SENT, error="", sent_at=clock.now())
            Job.objects.filter(pk=job.pk).update(status=Status.DONE, error="")
            job.refresh_from_db()
            end_waiters(job)
            delivery.left(fresh)
        else:
            again = Job.plan(
                job.kind,
                f"message:{fresh.pk}:again:{Job.objects.filter(key__startswith=f'message:{fresh.pk}').count()}",
                item_id=job.item_id,
                visit_id=job.visit_id,
                channel_key=job.channel_key,
                payload={key: value for key, value in job.payload.items() if not key.startswith("unsure_")},
                survives_leaving=job.survives_leaving,
            )
            Message.objects.filter(pk=fresh.pk).update(job=again, status=Message.Status.PLANNED, error="")
            for hand_over in slots.job_replaced:
                hand_over(job, again)
        if fresh.item_id:
            record(
                "message.settled",
                item=fresh.item,
                actor=by,
                payload={"message": fresh.pk, "arrived": arrived, "to": fresh.to},
            )

    databases.persistently(work)
