"""Calling an app: what it is sent, the job that does it, and what it answers at once."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from automation.models import Rule, Run
from automation.remote.answers import BadAnswer, read_answer
from automation.remote.models import AppCall, AppType
from crm.ground import characters, clock, safe_http
from crm.ground.sentences import said
from crm.messages import merge_text
from crm.models import Item, Job
from crm.webhooks.posting import post_signed, settle
from crm.work.jobs import end_waiters
from crm.work.leased import Status
from crm.work.queue import Kind, register_kind

KIND = "call_app"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _shown(item: Item, paths: list[str]) -> dict[str, Any]:
    """Of the card, what the app's scope names and nothing else, by path. A field that has gone is left out."""
    values, found = merge_text.Values(item), {}
    for path in paths:
        root, *names = path.split(".")
        here: Any = values[root]
        for name in names:
            here = here.get(name) if isinstance(here, dict) else None
        found[path] = _plain(here)
    return found


def body_of(row: AppType, rule: Rule, item: Item, settings: dict[str, Any]) -> dict[str, Any]:
    """What an action's call brings, besides its id and where it is answered."""
    return {
        "type": "action.run",
        "app": row.app.key,
        "action": row.key,
        "settings": settings,
        "item": {"id": item.pk, **_shown(item, row.app.sends)},
        "rule": {"key": rule.key, "name": rule.name},
    }


def plan_call(row: AppType, run: Run, body: dict[str, Any]) -> AppCall:
    """Write the call and its job, in the caller's transaction."""
    minutes = row.declared["minutes"]
    call = AppCall.objects.create(
        app=row.app, run=run, item=run.item, address=row.declared["address"], minutes=minutes, body=""
    )
    whole = {**body, "id": call.message_id, "answer_url": call.answer_url(), "minutes": minutes}
    call.body = json.dumps(whole, ensure_ascii=False)
    call.job = Job.plan(
        KIND,
        f"app:{call.pk}",
        item=run.item,
        visit=run.visit,
        survives_leaving=run.keeps,
        channel_key=f"app:{row.app_id}",
        payload={"call": call.pk, "retry_hours": run.rule.retry_hours},
    )
    call.save(update_fields=["body", "job"])
    return call


# ---------------------------------------------------------------------- the job


def _call(job: Job) -> AppCall:
    return AppCall.objects.select_related("app").get(pk=job.payload["call"])


def begin(job: Job) -> bool:
    call = _call(job)
    if call.is_answered:  # it called back before it answered us, and this would be the repeat
        job.end(Status.DONE)
        end_waiters(job)
        return False
    if call.app.removed_at is None:
        return True
    _finish(job, Status.FAILED, said("app.removed", "The app “%s” was removed.") % str(call.app))
    end_waiters(job)
    return False


def perform(job: Job) -> safe_http.Answer:
    """Outside any transaction; its address is judged at each call. Raises Permanent, Temporary."""
    call = _call(job)
    return post_signed(call.address, call.app.open_secret(), call.message_id, call.body)


def conclude(job: Job, outcome: Any) -> None:
    if _call(job).is_answered:
        job.end(Status.DONE)  # whatever became of the reply: it has called back meanwhile
        return
    settle(job, outcome, lambda status, sentence, answer: _finish(job, status, sentence, answer))


def _finish(job: Job, status: str, sentence: Any, answer: safe_http.Answer | None = None) -> None:
    call = _call(job)
    if call.state == AppCall.State.PLANNED and answer is not None:
        try:
            _take(call, answer)
        except BadAnswer as fault:
            words = said("app.bad_answer", "The answer of “%(app)s” cannot be taken: %(fault)s")
            status, sentence = Status.FAILED, words % {"app": str(call.app), "fault": fault.sentence}
            call.state = AppCall.State.FAILED
    elif call.state == AppCall.State.PLANNED:
        call.state = AppCall.State.FAILED
    call.save(update_fields=["state", "answer", "deadline"])
    job.end(status, sentence)


def _take(call: AppCall, answer: safe_http.Answer) -> None:
    """What it answers at once: 202 is "later". Raises BadAnswer."""
    if answer.status == 202 and call.app.removed_at is not None:
        raise BadAnswer(said("app.removed", "The app “%s” was removed.") % str(call.app))
    if answer.status == 202:
        call.state, call.deadline = AppCall.State.LATER, clock.now() + timedelta(minutes=call.minutes)
        return
    if len(answer.text.encode()) >= safe_http.MOST_BYTES:
        raise BadAnswer(said("app.too_long", "it is longer than %d KiB.") % (safe_http.MOST_BYTES // 1024))
    try:
        sent = characters.read_json(answer.text.encode())
    except ValueError:
        raise BadAnswer(said("app.not_json", "it is no JSON.")) from None
    call.state, call.answer = read_answer(call, sent)


def _over(jobs: list[int], reason: str) -> None:
    AppCall.objects.filter(job_id__in=jobs, state=AppCall.State.PLANNED).update(state=AppCall.State.OVER)


def _again(jobs: list[int]) -> None:
    AppCall.objects.filter(job_id__in=jobs, state=AppCall.State.OVER).update(state=AppCall.State.PLANNED)


def _lost(job: Job) -> None:
    """The job failed outside its own books."""
    AppCall.objects.filter(pk=job.payload["call"], state=AppCall.State.PLANNED).update(state=AppCall.State.FAILED)


register_kind(
    Kind(KIND, perform, outside=True, begin=begin, conclude=conclude, lost=_lost, cancelled=_over, revived=_again)
)
