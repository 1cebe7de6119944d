"""What the lowest layer itself registers: its workers, kinds of jobs and transports."""

from crm import health, jobs, sending, slots, submissions, webhooks
from crm.api import idempotency
from crm.models import bin
from crm.transports import outbox, smtp, twilio

slots.event_interest.register(webhooks.wanted)

__all__ = ["bin", "health", "idempotency", "jobs", "outbox", "sending", "smtp", "submissions", "twilio", "webhooks"]
