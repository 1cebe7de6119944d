"""Rules, triggers and runs for programs."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema

from automation.engine import control
from automation.models import Rule, Run, Trigger
from crm.api.auth import scope
from crm.api.errors import ApiError, answers
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Page, Reasoned, moment, reason_out
from crm.items import customer_rights
from crm.models import Item, Pipeline
from crm.people.signed_in import signed_in

router = Router(tags=["automation"])


class RuleOut(Schema):
    id: int
    key: str
    name: str
    pipeline: int
    stage: int
    action: str
    settings: dict[str, Any]
    timing: dict[str, Any]
    condition: Any
    is_enabled: bool
    order: int


def rule_out(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.pk,
        "key": rule.key,
        "name": rule.name,
        "pipeline": rule.pipeline_id,
        "stage": rule.stage_id,
        "action": rule.action,
        "settings": rule.settings,
        "timing": rule.timing,
        "condition": rule.condition,
        "is_enabled": rule.is_enabled,
        "order": rule.order,
    }


class TriggerOut(Schema):
    id: int
    name: str
    pipeline: int
    stage: int
    type: str
    settings: dict[str, Any]
    is_enabled: bool


def trigger_out(trigger: Trigger) -> dict[str, Any]:
    return {
        "id": trigger.pk,
        "name": trigger.name,
        "pipeline": trigger.pipeline_id,
        "stage": trigger.stage_id,
        "type": trigger.type,
        "settings": trigger.settings,
        "is_enabled": trigger.is_enabled,
    }


class RunOut(Reasoned):
    id: int
    rule: int
    rule_name: str
    item: int
    stage: int
    status: str
    due_at: str | None
    started_at: str | None
    finished_at: str | None
    outputs: dict[str, Any]


def run_out(run: Any) -> dict[str, Any]:
    return {
        "id": run.pk,
        "rule": run.rule_id,
        "rule_name": run.rule.name,
        "item": run.item_id,
        "stage": run.visit.stage_id,
        "status": run.status,
        **reason_out(run.error),
        "due_at": moment(run.due_at),
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
        "outputs": {name: value for name, value in run.outputs.items() if name != "to" or not run.is_concealed},
    }


def _mine(request: HttpRequest, rows: Any) -> Any:
    return rows.filter(pipeline__in=Pipeline.objects.visible_to(request.user), retired=False)


@router.get("/rules", response=answers(Page[RuleOut]), summary="Rules")
@scope("read")
def rules(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", stage: Id | None = None) -> Any:
    only(request, "stage")
    rows = _mine(request, Rule.objects.all())
    return page_of(rows.filter(stage_id=stage) if stage is not None else rows, rule_out, limit, cursor)


@router.get("/triggers", response=answers(Page[TriggerOut]), summary="Triggers")
@scope("read")
def triggers(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", stage: Id | None = None) -> Any:
    only(request, "stage")
    rows = _mine(request, Trigger.objects.all())
    return page_of(rows.filter(stage_id=stage) if stage is not None else rows, trigger_out, limit, cursor)


def _runs(request: HttpRequest) -> Any:
    seen = Item.objects.visible_to(signed_in(request))
    rows = Run.objects.filter(item__in=seen).select_related("rule", "visit")
    return customer_rights.marked(rows, signed_in(request))


Status = Literal["", "planned", "held", "running", "waiting", "done", "skipped", "failed", "cancelled", "unknown"]


@router.get("/runs", response=answers(Page[RunOut]), summary="Runs of rules, by item and status")
@scope("read")
def runs(
    request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", item: Id | None = None, status: Status = ""
) -> Any:
    only(request, "item", "status")
    rows = _runs(request)
    if item is not None:
        rows = rows.filter(item_id=item)
    return page_of(rows.filter(status=status) if status else rows, run_out, limit, cursor)


@router.get("/runs/{pk}", response=answers(RunOut), summary="One run")
@scope("read")
def run(request: HttpRequest, pk: Id) -> Any:
    only(request)
    return run_out(one(_runs(request), pk))


VERBS: dict[str, Any] = {
    "again": control.run_again,
    "hold": control.hold,
    "release": control.release,
    "cancel": control.cancel,
    "now": control.run_now,
}


@router.post("/runs/{pk}/{verb}", response=answers(RunOut), summary="Run again, hold, release, cancel, run now")
@scope("automation")
@idempotent
def control_run(request: HttpRequest, pk: Id, verb: Literal["again", "hold", "release", "cancel", "now"]) -> Any:
    """409 *not_now*: the run is past the point where this could be done. *again* answers with the new run."""
    try:
        made = VERBS[verb](one(_runs(request), pk), request.user)
    except control.NotNow as error:
        raise ApiError(409, "not_now", str(error)) from error
    return run_out(one(_runs(request), made.pk if isinstance(made, Run) else pk))
