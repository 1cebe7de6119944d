"""What the lowest layer itself registers: its workers, kinds of jobs and transports."""

from crm import audit, digest, health, jobs, recycle_bin, retiring, sending, slots, submissions, webhooks
from crm.api import idempotency
from crm.importing import work as importing
from crm.transports import outbox, smtp, twilio

slots.event_interest.register(webhooks.wanted)

__all__ = [
    "audit",
    "digest",
    "health",
    "idempotency",
    "importing",
    "jobs",
    "outbox",
    "recycle_bin",
    "retiring",
    "sending",
    "smtp",
    "submissions",
    "twilio",
    "webhooks",
]
