"""Credit notes, for programs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Schema, Status
from pydantic import Field, StrictBool

from crm.api.auth import scope
from crm.api.errors import answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, only, page_of
from crm.api.schemas import Page, Visible
from crm.board.api.items import API
from crm.board.api.items import visible as visible_items
from crm.messages import merge_text
from crm.people.signed_in import signed_in
from documents.api.base import router
from documents.api.lines import Price, Quantity
from documents.api.papers import DocumentOut, document_out, template_of
from documents.models import CreditNote
from documents.models.balances import Balance
from documents.models.credit_notes import Line
from documents.models.templates import Kind


class CreditLine(Schema):
    model_config = {"extra": "forbid"}
    number: int = Field(ge=1, le=500, description="The line's place on the invoice, from 1.")
    quantity: Quantity
    price: Price | None = Field(default=None, description="Empty: the line's own; a lower one takes back a part of it.")


class CreditNoteIn(Schema):
    model_config = {"extra": "forbid"}
    invoice: Id = Field(description="The invoice's item.")
    template: Id
    reason: Annotated[Visible, Field(max_length=300)]
    lines: list[CreditLine] | None = Field(default=None, max_length=500, description="Empty: all that it lists.")
    stamped: StrictBool = False


class CreditNoteOut(Schema):
    id: int
    invoice: int
    corrects: int = Field(description="The paper that it corrects.")
    amount: str
    currency: str
    reason: str
    document: DocumentOut


class CreditedOut(CreditNoteOut):
    open: str = Field(description="What of the invoice is still to be paid; below zero: to be paid back.")


def credit_note_out(row: CreditNote, link: str = "") -> dict[str, Any]:
    return {
        "id": row.pk,
        "invoice": row.invoice_id,
        "corrects": row.corrects_id,
        "amount": str(row.amount),
        "currency": row.currency,
        "reason": row.reason,
        "document": document_out(row.document, link),
    }


@router.get("/credit-notes", response=answers(Page[CreditNoteOut]), summary="Credit notes")
@scope("read")
def credit_notes(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", invoice: Id | None = None) -> Any:
    only(request, "invoice")
    rows = CreditNote.objects.visible_to(signed_in(request)).select_related("document")
    return page_of(rows.filter(invoice=invoice) if invoice is not None else rows, credit_note_out, limit, cursor)


@router.post("/credit-notes", response=answers(CreditedOut, 201), summary="Make a credit note")
@scope("write")
@idempotent
def make_credit_note(request: HttpRequest, payload: CreditNoteIn) -> Any:
    """Takes back an invoice or a part of it, with a number of its own; the invoice goes where it then belongs."""
    invoice = visible_items(request).filter(pk=payload.invoice, pipeline__invoice_flow__isnull=False).first()
    if invoice is None:
        raise invalid({"invoice": [_("There is no such invoice.")]})
    template = template_of(payload.template, invoice, Kind.CREDIT_NOTE)
    lines = None
    if payload.lines is not None:
        lines = [
            Line(line.number, Decimal(line.quantity), Decimal(line.price) if line.price is not None else None)
            for line in payload.lines
        ]
    try:
        made = CreditNote.make(
            invoice,
            template,
            payload.reason,
            lines,
            by=signed_in(request),
            cause=API,
            stamped=payload.stamped,
        )
    except merge_text.MergeError as error:
        raise invalid({"template": [str(error)]}) from error
    shown = credit_note_out(made, made.document.link())
    return Status(201, shown | {"open": str(Balance.of(made.invoice).open)})
