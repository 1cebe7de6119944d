"""Tasks for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field, StrictBool

from crm.api.auth import scope
from crm.api.errors import answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import (
    AwareMoment,
    Page,
    TaskOut,
    Visible,
    task_out,
)
from crm.board.api.items import API, changeable
from crm.ground.refused import Forbidden
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.messages import inviting, sending
from crm.people.models import User
from crm.people.signed_in import signed_in

router = Router()


def _tasks(request: HttpRequest) -> Any:
    return Task.objects.filter(item__in=Item.objects.visible_to(signed_in(request))).select_related("invite")


@router.get("/tasks", response=answers(Page[TaskOut]), summary="Tasks, calls, meetings", tags=["tasks"])
@scope("read")
def tasks(
    request: HttpRequest,
    limit: Limit = 50,
    cursor: Cursor = "",
    item: Id | None = None,
    assignee: Id | None = None,
    status: Literal["", "new", "in_progress", "done", "cancelled"] = "",
) -> Any:
    only(request, "item", "assignee", "status")
    rows = _tasks(request)
    for name, value in (("item_id", item), ("assignee_id", assignee), ("status", status or None)):
        if value is not None:
            rows = rows.filter(**{name: value})
    return page_of(rows, task_out, limit, cursor)


class TaskIn(Schema):
    model_config = {"extra": "forbid"}
    item: Id
    title: Annotated[Visible, Field(max_length=200)]
    kind: Literal["task", "call", "meeting"] = "task"
    description: str = Field(default="", max_length=5000)
    deadline: AwareMoment | None = None
    minutes: int = Field(default=30, ge=5, le=1440, description="How long a meeting takes.")
    place: str = Field(default="", max_length=300, description="Of a meeting: a place or a link.")
    invite: StrictBool = Field(default=False, description="Send the card's customer an invitation to the meeting.")
    assignee: Id | None = Field(default=None, description="Empty: the token's person.")


@router.post("/tasks", response=answers(TaskOut, 201), summary="Add a task", tags=["tasks"])
@scope("write")
@idempotent
def add_task(request: HttpRequest, payload: TaskIn) -> Any:
    item = changeable(request, payload.item)
    person: Any = request.user
    if payload.assignee:
        person = User.objects.filter(pk=payload.assignee, is_active=True).first()
        if person is None:
            raise invalid({"assignee": [_("There is no such person.")]})
    if fault := Task.fault_of(payload.kind, payload.deadline):
        raise invalid({"deadline": [fault]})
    if payload.invite and payload.kind != "meeting":
        raise invalid({"invite": [_("Only to a meeting can somebody be invited.")]})
    try:
        with transaction.atomic():
            task = Task.add(
                item=item,
                shown_as=signed_in(request),
                cause=API,
                kind=payload.kind,
                title=payload.title,
                description=payload.description,
                deadline=payload.deadline,
                minutes=payload.minutes,
                place=payload.place,
                assignee=person,
                creator=request.user,
                visit_id=item.visit_id,
            )
            if payload.invite:
                inviting.invite(task, by=signed_in(request))
    except sending.CannotSend as refused:
        raise invalid({"invite": [str(refused)]}) from refused
    return Status(201, task_out(task))


class TaskChange(Schema):
    model_config = {"extra": "forbid"}
    status: Literal["new", "in_progress", "done", "cancelled"] | None = None
    title: Annotated[Visible, Field(max_length=200)] | None = None
    description: str | None = Field(default=None, max_length=5000)
    deadline: AwareMoment | None = None
    minutes: int | None = Field(default=None, ge=5, le=1440)
    place: str | None = Field(default=None, max_length=300)


@router.patch("/tasks/{pk}", response=answers(TaskOut), summary="Change a task", tags=["tasks"])
@scope("write")
@idempotent
def change_task(request: HttpRequest, pk: Id, payload: TaskChange) -> Any:
    task = one(_tasks(request), pk)
    task.require(request.user)
    sent = payload.model_dump(exclude_unset=True)
    status = sent.pop("status", None)
    fields = {name: value for name, value in sent.items() if value is not None or name == "deadline"}
    if fields and not task.may_be_changed(signed_in(request)):
        raise Forbidden(_("Your role may not change this card."))
    if "deadline" in fields and (fault := Task.fault_of(task.kind, fields["deadline"])):
        raise invalid({"deadline": [fault]})
    task.change(fields, by=signed_in(request), cause=API)
    if status:
        task.set_status(status, by=request.user, cause=API)
    return task_out(_tasks(request).get(pk=pk))
