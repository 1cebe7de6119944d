"""Products and the lines of an item, for programs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field, StrictBool

from crm.api.auth import scope
from crm.api.errors import answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Page, Visible
from crm.board.api.items import API
from crm.board.api.items import visible as visible_items
from crm.ground.folding import fold
from crm.items.models.lines import replace_lines
from crm.models import Item, LineItem, Product, TaxRate
from crm.people.signed_in import signed_in
from documents.api.base import router

Price = Annotated[str, Field(pattern=r"^-?[0-9]{1,11}(\.[0-9]{1,4})?$", description="A number as text, with a dot.")]
Quantity = Annotated[str, Field(pattern=r"^-?[0-9]{1,10}(\.[0-9]{1,4})?$", description="A number as text, with a dot.")]
Off = Annotated[
    str, Field(pattern=r"^[0-9]{1,13}(\.[0-9]{1,2})?$", description="An amount off the line, not beside a percentage.")
]


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
    rows = Product.objects.visible_to(signed_in(request)).select_related("tax")
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
    return lines_out(replace_lines(item, made, by=signed_in(request), cause=API))
