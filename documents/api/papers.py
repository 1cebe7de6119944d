"""Papers, for programs."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Schema, Status
from pydantic import Field, StrictBool

from crm.api.auth import scope
from crm.api.errors import answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Page, Reasoned, moment, reason_out
from crm.ground import databases
from crm.messages import merge_text
from crm.models import Item
from crm.people.signed_in import signed_in
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from documents import making, sent
from documents.api.base import item_of, router
from documents.models import Document, DocumentTemplate, InvoiceFlow
from documents.models.templates import Kind


class TemplateOut(Schema):
    id: int
    name: str
    kind: str
    language: str


@router.get("/document-templates", response=answers(list[TemplateOut]), summary="Templates in use")
@scope("read")
def templates(request: HttpRequest) -> Any:
    only(request)
    rows = DocumentTemplate.objects.filter(is_active=True).order_by("pk")
    return [{"id": row.pk, "name": row.name, "kind": row.kind, "language": row.language} for row in rows]


class DocumentOut(Reasoned):
    id: int
    item: int
    kind: str
    title: str
    number: str
    status: str
    link: str = Field(description="The customer's page; only of one paper, and where the person may edit its card.")
    sha256: str
    pages: int
    created_at: str | None
    sent_at: str | None
    viewed_at: str | None
    views: int
    answered_at: str | None
    answered_by: str


def document_out(row: Document, link: str = "") -> dict[str, Any]:
    names = ("kind", "title", "number", "status", "sha256", "pages", "views", "answered_by")
    moments = ("created_at", "sent_at", "viewed_at", "answered_at")
    return {
        "id": row.pk,
        "item": row.item_id,
        "link": link,
        **{name: getattr(row, name) for name in names},
        **reason_out(row.error),
        **{name: moment(getattr(row, name)) for name in moments},
    }


@router.get("/documents", response=answers(Page[DocumentOut]), summary="Papers")
@scope("read")
def documents(
    request: HttpRequest,
    limit: Limit = 50,
    cursor: Cursor = "",
    item: Id | None = None,
    kind: Literal["", *Kind.values] = "",  # type: ignore[valid-type]  # the choices, spread
) -> Any:
    only(request, "item", "kind")
    rows = Document.objects.visible_to(signed_in(request))
    if item is not None:
        rows = rows.filter(item=item)
    return page_of(rows.filter(kind=kind) if kind else rows, document_out, limit, cursor)


@router.get("/documents/{pk}", response=answers(DocumentOut), summary="A paper")
@scope("read")
def document(request: HttpRequest, pk: Id) -> Any:
    found = one(Document.objects.visible_to(signed_in(request)).select_related("item__pipeline"), pk)
    machine = machine_of(found.item.pipeline_id)
    may = rights.allows(signed_in(request), machine, "edit", found.item)
    return document_out(found, found.link() if may else "")


class DocumentIn(Schema):
    model_config = {"extra": "forbid"}
    item: Id
    template: Id
    stamped: StrictBool = False


def template_of(pk: int, item: Item, kind: str = "") -> DocumentTemplate:
    rows = DocumentTemplate.offered(item.pipeline_id)
    found = (rows.filter(kind=kind) if kind else rows).filter(pk=pk).first()
    if found is None:
        raise invalid({"template": [_("This template no longer exists or is not in use.")]})
    return found


@router.post("/documents", response=answers(DocumentOut, 201), summary="Make a paper")
@scope("write")
@idempotent
def make_document(request: HttpRequest, payload: DocumentIn) -> Any:
    """Its number is taken at once; the PDF is drawn by a worker (status *queued*, then *ready* or *failed*)."""
    item = item_of(request, payload.item, "edit")
    template = template_of(payload.template, item)
    if template.kind == Kind.INVOICE and not InvoiceFlow.objects.filter(pipeline=item.pipeline_id).exists():
        raise invalid({"template": [_("An invoice of a card is made by POST /invoices.")]})
    try:
        made = making.make(template, item, by=signed_in(request), stamped=payload.stamped)
    except merge_text.MergeError as error:
        raise invalid({"template": [str(error)]}) from error
    return Status(201, document_out(made, made.link()))


@router.post("/documents/{pk}/sent", response=answers(DocumentOut), summary="Mark a paper as sent")
@scope("write")
@idempotent
def mark_sent(request: HttpRequest, pk: Id) -> Any:
    """It reached the customer by a way that the CRM does not know; an invoice moves among those sent."""
    found = one(Document.objects.visible_to(signed_in(request)).select_related("item__pipeline"), pk)
    found.item.require(signed_in(request), "edit")

    def work() -> None:
        databases.lock(Item.objects.filter(pk=found.item_id)).get()
        sent.count_as_sent(found, by=signed_in(request))

    databases.persistently(work)
    return document_out(Document.objects.get(pk=pk), found.link())
