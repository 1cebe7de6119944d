"""What a provider tells of a message after it has taken it: callbacks and bounces, late, doubled, in any order."""

from __future__ import annotations

from crm import slots
from crm.events.models import Cause
from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.sentences import in_payload
from crm.messages.models.messages import FAR, Message
from crm.work.jobs import end_waiters, lock_items
from crm.work.leased import Status
from crm.work.models import Job

# A provider's words for how far a message is.
REPORTS = {
    "accepted": None,
    "queued": None,
    "sending": None,
    "sent": Message.Status.SENT,
    "delivered": Message.Status.DELIVERED,
    "undelivered": Message.Status.FAILED,
    "failed": Message.Status.FAILED,
}


def left(message: Message) -> None:
    """It was handed over to its provider, in whose-ever transaction that is written."""
    for told in slots.message_left:
        told(message)


def reported(message: Message, word: str, provider_id: str, error: str) -> None:
    """What a provider tells of a message, in any order and any number of times. Unknown words change nothing."""
    status = REPORTS.get(word)
    if status is None:
        return

    def work() -> None:
        if message.job is not None:
            lock_items([message.job])
        fresh = databases.lock(Message.objects.filter(pk=message.pk)).get()
        known = FAR.index(Message.Status(fresh.status)) if fresh.status in FAR else -1
        if FAR.index(status) <= known:
            return
        was_unknown = fresh.status == Message.Status.UNKNOWN
        Message.objects.filter(pk=fresh.pk).update(
            status=status,
            error=error if status == Message.Status.FAILED else "",
            provider_id=provider_id or fresh.provider_id,
            sent_at=fresh.sent_at or clock.now(),
        )
        job = Job.objects.filter(pk=fresh.job_id or 0).first()
        if was_unknown and job is not None:
            # The provider settles what our crash left open.
            done = status != Message.Status.FAILED
            Job.objects.filter(pk=job.pk).update(status=Status.DONE if done else Status.FAILED, error=error)
            job.refresh_from_db()
            end_waiters(job)
        if status != Message.Status.FAILED:
            left(fresh)
        if fresh.item_id:
            payload = {"message": fresh.pk, "to": fresh.to, "text": fresh.text[:500]} | in_payload("error", error)
            kind = f"{message.channel.medium}.{status}"
            record(kind, item=fresh.item, payload=payload, cause=Cause("system"), key=f"report:{fresh.pk}:{status}")

    databases.persistently(work)
