"""Invoices and payments, for programs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Schema, Status
from pydantic import Field, StrictBool

from crm.api.auth import scope
from crm.api.errors import ApiError, answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, only, page_of
from crm.api.schemas import Day, Page
from crm.board.api.items import API
from crm.board.api.items import visible as visible_items
from crm.messages import merge_text
from crm.models import Item
from crm.people.signed_in import signed_in
from documents.api.base import Money, item_of, router
from documents.api.papers import DocumentOut, document_out, template_of
from documents.models import InvoiceFlow, Payment
from documents.models.checkouts import still_open
from documents.models.invoicing import today
from documents.models.templates import Kind


class InvoiceIn(Schema):
    model_config = {"extra": "forbid"}
    item: Id = Field(description="The deal whose lines are to be paid for.")
    template: Id
    due_days: int | None = Field(default=None, ge=0, le=365)
    stamped: StrictBool = False


class InvoiceOut(Schema):
    invoice: int = Field(description="The invoice's item.")
    amount: str
    currency: str
    document: DocumentOut


@router.post("/invoices", response=answers(InvoiceOut, 201), summary="Make an invoice")
@scope("write")
@idempotent
def make_invoice(request: HttpRequest, payload: InvoiceIn) -> Any:
    source = item_of(request, payload.item, "edit")
    flow = InvoiceFlow.first()
    if flow is None:
        raise invalid({"item": [_("No pipeline of invoices is set up.")]})
    template = template_of(payload.template, source, Kind.INVOICE)
    try:
        invoice, paper = flow.make_invoice(
            source,
            template,
            by=signed_in(request),
            cause=API,
            due_days=payload.due_days,
            stamped=payload.stamped,
        )
    except merge_text.MergeError as error:
        raise invalid({"template": [str(error)]}) from error
    shown = document_out(paper, paper.link())
    invoice.refresh_from_db()
    return Status(
        201, {"invoice": invoice.pk, "amount": str(invoice.amount), "currency": invoice.currency, "document": shown}
    )


class PaymentOut(Schema):
    id: int
    invoice: int
    amount: str = Field(description="Below zero: paid back.")
    currency: str
    method: str
    paid_on: str
    reference: str


def payment_out(row: Payment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "invoice": row.invoice_id,
        "amount": str(row.amount),
        "currency": row.currency,
        "method": row.method,
        "paid_on": row.paid_on.isoformat(),
        "reference": row.reference,
    }


@router.get("/payments", response=answers(Page[PaymentOut]), summary="Payments")
@scope("read")
def payments(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", invoice: Id | None = None) -> Any:
    only(request, "invoice")
    rows = Payment.objects.visible_to(signed_in(request))
    return page_of(rows.filter(invoice=invoice) if invoice is not None else rows, payment_out, limit, cursor)


class PaymentIn(Schema):
    model_config = {"extra": "forbid"}
    invoice: Id
    amount: Money = Field(description="Below zero: paid back. Empty is not possible; see the invoice's amount.")
    currency: str = Field(pattern="^[A-Z]{3}$", description="Has to be the invoice's own.")
    method: Literal["transfer", "cash", "card", "other"] = "transfer"
    paid_on: Day | None = Field(default=None, description="Empty: today, where the company is.")
    reference: str = Field(default="", max_length=140)
    confirm: StrictBool = Field(
        default=False, description="Book it although an equal payment is there and it is too much."
    )


class BookedOut(PaymentOut):
    open: str = Field(description="What of the invoice is still to be paid.")


@router.post("/payments", response=answers(BookedOut, 201), summary="Book a payment")
@scope("write")
@idempotent
def book(request: HttpRequest, payload: PaymentIn) -> Any:
    """Moves the invoice through its own gate, and is told on the deal."""
    invoice = visible_items(request).filter(pk=payload.invoice, pipeline__invoice_flow__isnull=False).first()
    if invoice is None:
        raise invalid({"invoice": [_("There is no such invoice.")]})
    amount = Decimal(payload.amount)
    is_sure = payload.confirm or bool(request.headers.get("Idempotency-Key", "").strip())
    # A repeated request without a key looks just like this.
    if not is_sure and amount > still_open(invoice) and Payment.objects.filter(invoice=invoice, amount=amount).exists():
        raise ApiError(409, "repeated", _("An equal payment is booked, and this one is more than is open: confirm it."))
    made = Payment.book(
        invoice,
        amount,
        currency=payload.currency,
        paid_on=payload.paid_on or today(),
        method=payload.method,
        reference=payload.reference,
        by=signed_in(request),
    )
    assert made is not None
    fresh = Item.objects.select_related("pipeline").get(pk=invoice.pk)
    return Status(201, {**payment_out(made), "open": str(still_open(fresh))})
