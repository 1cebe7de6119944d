"""A message that may have left: the provider is asked what it took, and never sent the same one twice (E47)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from crm import clock
from crm.models.jobs import Job
from crm.models.leased import MAX_CRASHES, Status
from crm.models.messages import Channel, Message
from crm.transports.base import NotAnswerable, Transport, TransportError, transports

# What is not in the provider's list by then was never taken.
SETTLED_AFTER = timedelta(minutes=2)
ASK_EVERY = timedelta(seconds=20)


def asked(transport: Transport, message: Message, job: Job) -> str:
    """What the provider says of a message that may have left: its id, or empty where it is certain that it has not.

    Raises TransportError: `sent` while it may still turn up, NotAnswerable where the provider cannot say.
    """
    since = datetime.fromisoformat(job.payload["unsure_since"])
    try:
        found = transport.find(message, since)
    except TransportError as error:
        raise NotAnswerable(str(error)) from error
    if not found and clock.now() - since < SETTLED_AFTER:
        raise TransportError(_("It may have left: the provider is asked."), sent=True)
    return found


def is_open(job: Job, channel: Channel, outcome: Any) -> bool:
    """Whether it may have left and the provider can be asked about it."""
    found = transports.get(channel.transport)
    if found is None or not found.lists or isinstance(outcome, NotAnswerable):
        return False
    if outcome is None:
        return job.crashes < MAX_CRASHES
    return isinstance(outcome, TransportError) and outcome.sent


def ask_later(job: Job) -> None:
    """E47: the provider's list decides, asked until it is certain."""
    since = job.payload.get("unsure_since")
    if not since or clock.now() - datetime.fromisoformat(since) >= SETTLED_AFTER:
        since = (job.started_at or clock.now()).isoformat()
    job.change(
        status=Status.PLANNED,
        payload={**job.payload, "unsure_since": since},
        due_at=clock.now() + ASK_EVERY,
        error=_("It may have left: the provider is asked."),
        owner="",
        lease_until=None,
    )
