"""A signed call to a program of others, and what becomes of the job that made it: webhooks and apps alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook as Signer

from crm.ground import clock, safe_http
from crm.ground.sentences import said
from crm.work.jobs import Permanent, Temporary, may_retry, retry_limit
from crm.work.leased import MAX_CRASHES, Status, backoff
from crm.work.models import Job


def post_signed(url: str, secret: str, message_id: str, body: str) -> safe_http.Answer:
    """POST JSON, signed as Standard Webhooks have it. Raises Permanent, Temporary for whatever is no 2xx.

    Args:
        message_id: the same for all repeats of one call.
    """
    now = datetime.now(UTC)  # a receiver refuses what seems old, and knows nothing of a demo's moved clock
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Dealwright",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(secret).sign(message_id, now, body),
    }
    try:
        answer = safe_http.post(url, body.encode(), headers)
    except safe_http.Unsafe as error:
        raise Permanent(str(error)) from error
    except safe_http.Unanswered as error:
        raise Temporary(str(error)) from error
    if 200 <= answer.status < 300:
        return answer
    words = said("webhook.answered", "The server answered %(status)s: %(text)s") % {
        "status": answer.status,
        "text": answer.text[:200],
    }
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise Temporary(words, answer.retry_after)
    raise Permanent(words)


def settle(job: Job, outcome: Any, finish: Callable[[str, Any, safe_http.Answer | None], None]) -> None:
    """The job is finished, or tried again.

    Args:
        outcome: of `post_signed`: its answer, what it raised, or None where the worker died.
        finish: f(status, sentence, answer) writes both books.
    """
    if isinstance(outcome, safe_http.Answer):
        finish(Status.DONE, "", outcome)
    elif isinstance(outcome, Permanent):
        finish(Status.FAILED, str(outcome), None)
    elif outcome is None and job.crashes < MAX_CRASHES:
        job.change(status=Status.PLANNED, due_at=clock.now(), owner="", lease_until=None)
    elif outcome is not None and may_retry(job):
        job.retry(backoff(job.attempts + 1), str(outcome) or repr(outcome), retry_limit(job))
    else:
        words = str(outcome) if outcome is not None else said("crashed", "crashed the worker")
        finish(Status.FAILED, words, None)
