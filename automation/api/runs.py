"""Runs of rules for programs."""

from __future__ import annotations

from typing import Any, Literal

from django.db.models import Value
from django.http import HttpRequest
from ninja import Router

from automation.confidential import named_in
from automation.engine import control
from automation.models import Run
from crm.api.auth import scope
from crm.api.errors import ApiError, answers
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Page, Reasoned, moment, reason_out
from crm.items import customer_rights
from crm.models import Item
from crm.people.signed_in import signed_in
from crm.pipelines.roles import sees_profit

router = Router(tags=["automation"])


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


def _outputs(run: Any) -> dict[str, Any]:
    """Without the address of a customer whom the person does not see, and figures of profit where those are not for them."""
    if run.hides_profit and named_in((run.taken or {}).get("settings"), run.rule.settings):
        return {}
    return {name: value for name, value in run.outputs.items() if name != "to" or not run.is_concealed}


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
        "outputs": _outputs(run),
    }


def _runs(request: HttpRequest) -> Any:
    seen = Item.objects.visible_to(signed_in(request))
    hides = not sees_profit(signed_in(request))
    rows = Run.objects.filter(item__in=seen).select_related("rule", "visit").annotate(hides_profit=Value(hides))
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
