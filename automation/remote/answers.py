"""What an app answers: read, judged, and taken once."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from automation.engine import chain
from automation.remote.models import App, AppCall, AppType
from crm.ground import clock, databases
from crm.ground.refused import Refused
from crm.ground.sentences import Sentence, said
from crm.models import Item, Job
from crm.work.jobs import end_waiters
from crm.work.leased import Status

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
MOST_TEXT = 5_000  # characters of one output
MOST_DIGITS = 40  # of a number, its sign and point included
MOST_WORDS = 500  # of a reason or summary


class BadAnswer(Exception):
    """It says nothing that can be used. `field`: of the answer, where one is to blame."""

    def __init__(self, sentence: Sentence, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.field = sentence, field


def words(text: Any) -> str:
    """An app's words as we keep them: text, without the sign that a sentence of ours is known by (crm/ground/sentences.py)."""
    return CONTROLS.sub("", str(text))[:MOST_WORDS].strip()


def read_answer(call: AppCall, sent: Any) -> tuple[str, dict[str, Any]]:
    """The state that it leads to, and what is kept of it. Raises BadAnswer.

    Args:
        sent: {"status": "done", "outputs": {…}, "summary": "…"} or {"status": "failed", "reason": "…"}.
    """
    if not isinstance(sent, dict) or sent.get("status") not in ("done", "failed"):
        raise BadAnswer(said("app.no_status", "it has to say “done” or “failed”."), "status")
    if sent["status"] == "failed":
        return AppCall.State.FAILED, {"reason": words(sent.get("reason") or "—")}
    outputs = sent.get("outputs") or {}
    if not isinstance(outputs, dict):
        raise BadAnswer(said("app.no_outputs", "its outputs are not an object."), "outputs")
    declared = {one["key"]: one["type"] for one in _declared(call)["outputs"]}
    made = {}
    for name, value in outputs.items():
        if name not in declared:
            raise BadAnswer(
                said("app.no_output", "it has never declared the output “%s”.") % words(name)[:40], "outputs"
            )
        made[name] = _typed(name, declared[name], value)
    return AppCall.State.ANSWERED, {"outputs": made, "summary": words(sent.get("summary") or "")}


def _declared(call: AppCall) -> dict[str, Any]:
    key = call.run.rule.action.removeprefix(f"app_{call.app.key}_")
    row = AppType.objects.filter(app=call.app, kind=AppType.Kind.ACTION, key=key).first()
    return row.declared if row is not None else {"outputs": []}


def _typed(name: str, kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == "number" and isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite() and abs(number.adjusted()) < 15 and len(str(value)) <= MOST_DIGITS:
            return format(number, "f")
    if kind == "text" and isinstance(value, str) and len(value) <= MOST_TEXT:
        return CONTROLS.sub("", value)
    fault = said("app.wrong_output", "the output “%(name)s” is no %(kind)s, or too long.")
    raise BadAnswer(fault % {"name": name, "kind": kind}, f"outputs.{name}")


def take(app: App, token: str, sent: Any) -> None:
    """An answer that comes later, by its signed address. The run goes on.

    Raises Refused: not for this app, answered already, too late, no longer waited for. Raises BadAnswer.
    """
    known = AppCall.by_token(token)
    if known is None or known.app_id != app.pk:
        raise Refused(said("app.not_yours", "This is no address at which you may answer."))
    with transaction.atomic():
        databases.lock(Item.objects.filter(pk=known.item_id)).values_list("pk").first()
        call = databases.lock(AppCall.objects.filter(pk=known.pk)).get()
        call.run, call.app = AppCall.objects.select_related("run__rule", "app").get(pk=call.pk).run, app
        if call.is_answered or call.state == AppCall.State.FAILED:
            raise Refused(said("app.twice", "This call was answered already."))
        is_late = call.deadline is not None and call.deadline <= clock.now()
        if is_late or not call.is_waited_for:
            raise Refused(said("app.over", "This call is no longer waited for."))
        call.state, call.answer = read_answer(call, sent)
        call.save(update_fields=["state", "answer"])
        _end_repeats(call)
        chain.wake(f"app:{call.pk}")


def _end_repeats(call: AppCall) -> None:
    """It called back before we had its reply: what would call it again is over, and its run goes on."""
    job = databases.lock(Job.objects.filter(pk=call.job_id or 0, status=Status.PLANNED)).first()
    if job is not None:
        job.end(Status.DONE)
        end_waiters(job)
