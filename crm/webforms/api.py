"""Web forms and what was sent, for programs."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field

from crm.api.auth import scope
from crm.api.errors import answers, form_errors, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Page, Reasoned, moment, reason_out
from crm.items import customer_rights
from crm.items.models.items import Item
from crm.pipelines import rights
from crm.pipelines.models import Pipeline
from crm.webforms import submissions
from crm.webforms.forms import PublicForm
from crm.webforms.models import Submission, WebForm

router = Router()


class SubmissionOut(Reasoned):
    id: int
    form: int
    status: str
    answers: dict[str, Any]
    item: int | None
    contact: int | None
    created_at: str | None


def submission_out(row: Submission) -> dict[str, Any]:
    return {
        "id": row.pk,
        "form": row.form_id,
        "status": row.status,
        **reason_out(row.error),
        "answers": row.answers,
        "item": row.item_id,
        "contact": row.contact_id,
        "created_at": moment(row.created_at),
    }


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
    known: dict[str, Any] = PublicForm(form).fields
    unknown = [key for key in payload.answers if key not in known]
    if unknown:
        raise invalid({f"answers.{key}": [_("There is no such field.")] for key in unknown})
    typed: dict[str, Any] = {}
    for key, value in payload.answers.items():
        try:
            typed[key] = known[key].described.type.as_sent(value)
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
