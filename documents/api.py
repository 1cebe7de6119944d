"""Products, lines, papers, invoices and payments for programs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field, StrictBool

from crm import databases, merge, rights
from crm.api.auth import scope
from crm.api.errors import ApiError, answers, invalid
from crm.api.idempotency import idempotent
from crm.api.items import API
from crm.api.items import visible as visible_items
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Day, Page, Reasoned, Visible, moment, reason_out
from crm.folding import fold
from crm.models import Item, LineItem, Product, TaxRate
from crm.models.lines import replace_lines
from crm.models.pipelines import machine_of
from documents import sent
from documents.models import Document, DocumentTemplate, InvoiceFlow, Payment
from documents.models.checkouts import still_open
from documents.models.invoicing import today
from documents.models.templates import Kind

router = Router(tags=["documents"])
Price = Annotated[str, Field(pattern=r"^-?[0-9]{1,11}(\.[0-9]{1,4})?$", description="A number as text, with a dot.")]
Quantity = Annotated[str, Field(pattern=r"^-?[0-9]{1,10}(\.[0-9]{1,4})?$", description="A number as text, with a dot.")]
Off = Annotated[
    str, Field(pattern=r"^[0-9]{1,13}(\.[0-9]{1,2})?$", description="An amount off the line, not beside a percentage.")
]
Money = Annotated[str, Field(pattern=r"^-?[0-9]{1,13}(\.[0-9]{1,2})?$", description="A number as text, with a dot.")]


def _item(request: HttpRequest, pk: int, action: str) -> Item:
    found = visible_items(request).filter(pk=pk).first()
    if found is None:
        raise invalid({"item": [_("There is no such item.")]})
    found.require(request.user, action)
    return found  # type: ignore[no-any-return]


# ---------------------------------------------------------------------- products and lines


class ProductOut(Schema):
    id: int
    name: str
    code: str
    unit: str
    price: str
    currency: str
    tax: str
    is_active: bool


def product_out(row: Product) -> dict[str, Any]:
    names = ("name", "code", "unit", "currency", "is_active")
    shown = {name: getattr(row, name) for name in names}
    return {"id": row.pk, "price": str(row.price), "tax": row.tax.name if row.tax else "", **shown}


@router.get("/products", response=answers(Page[ProductOut]), summary="Products")
@scope("read")
def products(
    request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", q: Annotated[str, Field(max_length=100)] = ""
) -> Any:
    only(request, "q")
    rows = Product.objects.visible_to(request.user).select_related("tax")  # type: ignore[arg-type]
    q = q.replace("\0", "")
    return page_of(rows.filter(search_key__contains=fold(q)) if q else rows, product_out, limit, cursor)


class Line(Schema):
    model_config = {"extra": "forbid"}
    name: Annotated[Visible, Field(max_length=200)]
    quantity: Quantity = "1"
    unit: str = Field(default="", max_length=20)
    price: Price
    discount: Annotated[str, Field(pattern=r"^([0-9]{1,2}(\.[0-9]{1,3})?|100)$", description="Percent.")] = "0"
    discount_amount: Off = "0"
    tax: str = Field(default="", max_length=40, description="The name of a tax rate; empty for none.")
    tax_included: StrictBool = False
    product: Id | None = None


class Lines(Schema):
    model_config = {"extra": "forbid"}
    lines: list[Line] = Field(max_length=500)


class LinesOut(Schema):
    lines: list[dict[str, Any]]
    amount: str | None
    currency: str


def lines_out(item: Item) -> dict[str, Any]:
    names = ("name", "unit", "tax_included")
    rows = [
        {
            "product": line.product_id,
            **{name: getattr(line, name) for name in names},
            **{name: str(getattr(line, name)) for name in ("quantity", "price", "discount", "discount_amount")},
            "tax": line.tax_name,
            "total": str(line.amount(item.currency)),
        }
        for line in item.lines.all()
    ]
    amount = str(item.amount) if item.amount is not None else None
    return {"lines": rows, "amount": amount, "currency": item.currency}


@router.get("/items/{pk}/lines", response=answers(LinesOut), summary="What an item lists")
@scope("read")
def lines(request: HttpRequest, pk: Id) -> Any:
    return lines_out(one(visible_items(request), pk))


@router.put("/items/{pk}/lines", response=answers(LinesOut), summary="Replace what an item lists")
@scope("write")
@idempotent
def put_lines(request: HttpRequest, pk: Id, payload: Lines) -> Any:
    """All lines at once, in their order; their total becomes the item's amount."""
    item = one(visible_items(request), pk)
    rates = {rate.name: rate for rate in TaxRate.objects.all()}
    known = set(
        Product.objects.filter(pk__in=[line.product for line in payload.lines if line.product]).values_list(
            "pk", flat=True
        )
    )
    made = []
    for number, line in enumerate(payload.lines):
        if line.tax and line.tax not in rates:
            raise invalid({f"lines.{number}.tax": [_("There is no such tax rate.")]})
        if line.product and line.product not in known:
            raise invalid({f"lines.{number}.product": [_("There is no such product.")]})
        rate = rates.get(line.tax)
        row = LineItem(
            product_id=line.product,
            name=line.name,
            quantity=Decimal(line.quantity),
            unit=line.unit,
            price=Decimal(line.price),
            discount=Decimal(line.discount),
            discount_amount=Decimal(line.discount_amount),
            tax_name=line.tax,
            tax_percent=rate.percent if rate else None,
            tax_included=line.tax_included,
        )
        for name, sentence in row.faults(item.currency).items():
            raise invalid({f"lines.{number}.{name}": [sentence]})
        made.append(row)
    return lines_out(replace_lines(item, made, by=request.user, cause=API))  # type: ignore[arg-type]


# ---------------------------------------------------------------------- papers


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
    kind: Literal["", *Kind.values] = "",  # type: ignore[valid-type]
) -> Any:
    only(request, "item", "kind")
    rows = Document.objects.visible_to(request.user)  # type: ignore[arg-type]
    if item is not None:
        rows = rows.filter(item=item)
    return page_of(rows.filter(kind=kind) if kind else rows, document_out, limit, cursor)


@router.get("/documents/{pk}", response=answers(DocumentOut), summary="A paper")
@scope("read")
def document(request: HttpRequest, pk: Id) -> Any:
    found = one(Document.objects.visible_to(request.user).select_related("item__pipeline"), pk)  # type: ignore[arg-type]
    machine = machine_of(found.item.pipeline_id)
    may = rights.allows(request.user, machine, "edit", found.item)  # type: ignore[arg-type]
    return document_out(found, found.link() if may else "")


class DocumentIn(Schema):
    model_config = {"extra": "forbid"}
    item: Id
    template: Id
    stamped: StrictBool = False


def _template(pk: int, item: Item, kind: str = "") -> DocumentTemplate:
    rows = DocumentTemplate.offered(item.pipeline_id)
    found = (rows.filter(kind=kind) if kind else rows).filter(pk=pk).first()
    if found is None:
        raise invalid({"template": [_("This template no longer exists or is not in use.")]})
    return found  # type: ignore[no-any-return]


@router.post("/documents", response=answers(DocumentOut, 201), summary="Make a paper")
@scope("write")
@idempotent
def make_document(request: HttpRequest, payload: DocumentIn) -> Any:
    """Its number is taken at once; the PDF is drawn by a worker (status *queued*, then *ready* or *failed*)."""
    item = _item(request, payload.item, "edit")
    template = _template(payload.template, item)
    if template.kind == Kind.INVOICE and not InvoiceFlow.objects.filter(pipeline=item.pipeline_id).exists():
        raise invalid({"template": [_("An invoice of a card is made by POST /invoices.")]})
    try:
        made = Document.make(template, item, by=request.user, stamped=payload.stamped)  # type: ignore[arg-type]
    except merge.MergeError as error:
        raise invalid({"template": [str(error)]}) from error
    return Status(201, document_out(made, made.link()))


@router.post("/documents/{pk}/sent", response=answers(DocumentOut), summary="Mark a paper as sent")
@scope("write")
@idempotent
def mark_sent(request: HttpRequest, pk: Id) -> Any:
    """It reached the customer by a way that the CRM does not know; an invoice moves among those sent."""
    found = one(Document.objects.visible_to(request.user).select_related("item__pipeline"), pk)  # type: ignore[arg-type]
    found.item.require(request.user, "edit")  # type: ignore[arg-type]

    def work() -> None:
        databases.lock(Item.objects.filter(pk=found.item_id)).get()
        sent.count_as_sent(found, by=request.user)  # type: ignore[arg-type]

    databases.persistently(work)
    return document_out(Document.objects.get(pk=pk), found.link())


# ---------------------------------------------------------------------- invoices and payments


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
    source = _item(request, payload.item, "edit")
    flow = InvoiceFlow.first()
    if flow is None:
        raise invalid({"item": [_("No pipeline of invoices is set up.")]})
    template = _template(payload.template, source, Kind.INVOICE)
    try:
        invoice, paper = flow.make_invoice(
            source,
            template,
            by=request.user,  # type: ignore[arg-type]
            cause=API,
            due_days=payload.due_days,
            stamped=payload.stamped,
        )
    except merge.MergeError as error:
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
    rows = Payment.objects.visible_to(request.user)  # type: ignore[arg-type]
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
        by=request.user,  # type: ignore[arg-type]
    )
    assert made is not None
    fresh = Item.objects.select_related("pipeline").get(pk=invoice.pk)
    return Status(201, {**payment_out(made), "open": str(still_open(fresh))})
