"""Tasks for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field

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
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.people.models import User
from crm.people.signed_in import signed_in

router = Router()


def _tasks(request: HttpRequest) -> Any:
    return Task.objects.filter(item__in=Item.objects.visible_to(signed_in(request)))


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
    task = Task.add(
        item=item,
        shown_as=signed_in(request),
        cause=API,
        kind=payload.kind,
        title=payload.title,
        description=payload.description,
        deadline=payload.deadline,
        assignee=person,
        creator=request.user,
        visit_id=item.visit_id,
    )
    return Status(201, task_out(task))


class TaskChange(Schema):
    model_config = {"extra": "forbid"}
    status: Literal["new", "in_progress", "done", "cancelled"]


@router.patch("/tasks/{pk}", response=answers(TaskOut), summary="Change a task's status", tags=["tasks"])
@scope("write")
@idempotent
def change_task(request: HttpRequest, pk: Id, payload: TaskChange) -> Any:
    task = one(_tasks(request), pk)
    task.require(request.user)
    task.set_status(payload.status, by=request.user, cause=API)
    return task_out(_tasks(request).get(pk=pk))
