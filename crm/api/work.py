"""Tasks, messages, calls, forms and their submissions."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field, StrictBool

from crm import customer_rights, rights, sending, submissions
from crm.api.auth import scope
from crm.api.errors import answers, form_errors, invalid
from crm.api.idempotency import idempotent
from crm.api.items import API
from crm.api.items import visible as visible_items
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import (
    AwareMoment,
    EventOut,
    MessageOut,
    Moment,
    Page,
    SubmissionOut,
    TaskOut,
    Visible,
    event_out,
    message_out,
    submission_out,
    task_out,
)
from crm.events.record import record
from crm.forms.public import PublicForm
from crm.ground import clock, phones
from crm.models import Contact, Event, Forbidden, Item, Message, Pipeline, Submission, Task, User, WebForm

router = Router()


def _item(request: HttpRequest, pk: int) -> Item:
    found = visible_items(request).filter(pk=pk).first()
    if found is None:
        raise invalid({"item": [_("There is no such item.")]})
    found.require(request.user, "edit")
    return found  # type: ignore[no-any-return]


# ---------------------------------------------------------------------- tasks


def _tasks(request: HttpRequest) -> Any:
    return Task.objects.filter(item__in=Item.objects.visible_to(request.user))  # type: ignore[arg-type]


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
    item = _item(request, payload.item)
    person: Any = request.user
    if payload.assignee:
        person = User.objects.filter(pk=payload.assignee, is_active=True).first()
        if person is None:
            raise invalid({"assignee": [_("There is no such person.")]})
    task = Task.add(
        item=item,
        shown_as=request.user,  # type: ignore[arg-type]
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


# ---------------------------------------------------------------------- messages


def _messages(request: HttpRequest) -> Any:
    return Message.objects.filter(item__isnull=False).visible_to(request.user).select_related("channel")  # type: ignore[arg-type]


@router.get("/messages", response=answers(Page[MessageOut]), summary="Messages", tags=["messages"])
@scope("read")
def messages(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", item: Id | None = None) -> Any:
    only(request, "item")
    rows = _messages(request)
    return page_of(rows.filter(item_id=item) if item is not None else rows, message_out, limit, cursor)


class MessageIn(Schema):
    model_config = {"extra": "forbid"}
    item: Id
    medium: Literal["email", "sms"]
    text: str = Field(min_length=1, max_length=50000)
    subject: str = Field(default="", max_length=250)


@router.post("/messages", response=answers(MessageOut, 201), summary="Write to the item's customer", tags=["messages"])
@scope("send")
@idempotent
def send(request: HttpRequest, payload: MessageIn) -> Any:
    """Only to the customer's own address or number. 422 *cannot_send* says why not."""
    item = _item(request, payload.item)
    contact = item.contact
    if not customer_rights.shows(request.user, item):  # type: ignore[arg-type]
        raise Forbidden(customer_rights.REFUSALS["view"])
    to = "" if contact is None else contact.email(item) if payload.medium == "email" else contact.phone("mobile", item)
    with transaction.atomic():
        message = sending.queue_message(
            channel=sending.channel_for(payload.medium),
            to=to,
            subject=payload.subject,
            text=payload.text,
            contact=contact,
            item=item,
            author=request.user,  # type: ignore[arg-type]
            language=contact.language if contact else "",
            survives_leaving=True,
        )
    return Status(201, message_out(message))


# ---------------------------------------------------------------------- calls, from any telephone system


class CallIn(Schema):
    model_config = {"extra": "forbid"}
    direction: Literal["in", "out"]
    number: str = Field(min_length=3, max_length=40, description="The customer's number.")
    answered: StrictBool
    seconds: int = Field(default=0, ge=0, le=86400)
    item: Id | None = Field(default=None, description="Empty: the newest open item of the contact with this number.")
    started_at: Moment | None = None
    note: str = Field(default="", max_length=2000)
    id: str = Field(default="", max_length=80, description="The telephone system's own id: a repeat is one call.")


@router.post("/calls", response=answers(EventOut, 201), summary="Log a call", tags=["calls"])
@scope("write")
@idempotent
def log_call(request: HttpRequest, payload: CallIn) -> Any:
    try:
        number = phones.parse(payload.number)
    except ValidationError as error:
        raise invalid({"number": error.messages}) from error
    contact = Contact.objects.visible_to(request.user).answering(number)  # type: ignore[arg-type,attr-defined]
    if payload.item:
        item: Any = _item(request, payload.item)
    else:
        rows = (
            visible_items(request).reached_by(request.user, "edit").filter(contact=contact, stage__kind="open")
            if contact
            else Item.objects.none()
        )
        item = rows.order_by("-created_at").first()
    if item is None and contact is None:
        raise invalid({"number": [_("Nobody with this number is known.")]})
    kind = "call.answered" if payload.answered else "call.missed"
    key = f"call:{request.user.pk}:{payload.id}" if payload.id else None
    data = payload.model_dump(exclude={"item", "id", "started_at"}) | {"number": number}
    data["also"] = Contact.objects.sharing(number, contact)
    started = payload.started_at or clock.now()
    event = record(
        kind,
        item=item,
        contact=contact,
        actor=request.user,  # type: ignore[arg-type]
        cause=API,
        payload=data | {"started_at": started.isoformat()},
        key=key,
    )
    return Status(201, event_out(event or Event.objects.get(key=key, actor=request.user)))


@router.get("/calls", response=answers(Page[EventOut]), summary="Calls", tags=["calls"])
@scope("read")
def calls(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", item: Id | None = None) -> Any:
    only(request, "item")
    rows = Event.objects.filter(kind__startswith="call.", item__in=Item.objects.visible_to(request.user))  # type: ignore[arg-type]
    rows = rows.exclude(customer_rights.concealed(request.user)).select_related("actor")  # type: ignore[arg-type]
    return page_of(rows.filter(item_id=item) if item is not None else rows, event_out, limit, cursor)


# ---------------------------------------------------------------------- forms


class FormOut(Schema):
    id: int
    name: str
    slug: str
    pipeline: int
    is_active: bool
    fields: list[dict[str, Any]]


def _forms(request: HttpRequest) -> Any:
    rows = WebForm.objects.filter(pipeline__in=Pipeline.objects.visible_to(request.user))
    return rows.prefetch_related("fields")


@router.get("/forms", response=answers(list[FormOut]), summary="Web forms with their fields", tags=["forms"])
@scope("read")
def forms(request: HttpRequest) -> Any:
    only(request)
    return [
        {
            "id": form.pk,
            "name": form.name,
            "slug": form.slug,
            "pipeline": form.pipeline_id,
            "is_active": form.is_active,
            "fields": [
                {"key": row.key, "kind": row.kind, "label": row.label, "required": row.required}
                for row in form.fields.all()
            ],
        }
        for form in _forms(request)
    ]


def _submissions(request: HttpRequest) -> Any:
    """Those whose card the person sees; those without a card yet, to who sees every card of the pipeline."""
    user: Any = request.user
    narrow = [] if user.is_superuser else [pk for pk, s in rights.reach(user).items() if s["view"] != rights.Scope.ALL]
    rows = Submission.objects.filter(form__pipeline__in=Pipeline.objects.visible_to(user))
    seen = Item.objects.reached_by(user)
    rows = rows.exclude(customer_rights.concealed(user))
    return rows.filter(Q(item__in=seen) | (Q(item=None) & ~Q(form__pipeline__in=narrow)))


@router.get("/submissions", response=answers(Page[SubmissionOut]), summary="What was sent", tags=["forms"])
@scope("read")
def submissions_(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", form: Id | None = None) -> Any:
    only(request, "form")
    rows = _submissions(request)
    return page_of(rows.filter(form_id=form) if form is not None else rows, submission_out, limit, cursor)


class SubmissionIn(Schema):
    model_config = {"extra": "forbid"}
    form: Id
    answers: dict[str, Any] = Field(description="By the keys of the form's fields.")


@router.post("/submissions", response=answers(SubmissionOut, 201), summary="Send a form for a customer", tags=["forms"])
@scope("write")
@idempotent
def submit(request: HttpRequest, payload: SubmissionIn) -> Any:
    """Checked as the hosted page checks it; processed by a worker: ask for it again to see item and contact."""
    form = _forms(request).filter(pk=payload.form, is_active=True, pipeline__state=Pipeline.State.IN_USE).first()
    if form is None:
        raise invalid({"form": [_("There is no such form, or it is closed.")]})
    known = PublicForm(form).fields
    unknown = [key for key in payload.answers if key not in known]
    if unknown:
        raise invalid({f"answers.{key}": [_("There is no such field.")] for key in unknown})
    typed: dict[str, Any] = {}
    for key, value in payload.answers.items():
        try:
            typed[key] = known[key].described.type.as_sent(value)  # type: ignore[attr-defined]
        except ValidationError as error:
            raise invalid({key: list(error.messages)}) from error
    filled = PublicForm(form, {key: value for key, value in typed.items() if value is not False})
    if not filled.is_valid():
        raise form_errors(filled)
    made = submissions.store(
        form,
        nonce=f"api-{secrets.token_urlsafe(16)}",
        version=form.version,
        answers=filled.answers(),
        touch={},
        address_hash="",
    )
    return Status(201, submission_out(made))


@router.get("/submissions/{pk}", response=answers(SubmissionOut), summary="One submission", tags=["forms"])
@scope("read")
def submission(request: HttpRequest, pk: Id) -> Any:
    only(request)
    return submission_out(one(_submissions(request), pk))
