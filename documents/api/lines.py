"""Products and the lines of an item, for programs."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
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
from crm.items.listing import replace_lines
from crm.items.models.profit import profit_of
from crm.models import Item, LineItem, Product, TaxRate, User
from crm.people.signed_in import signed_in
from crm.pipelines.roles import NO_PROFIT, sees_profit
from documents.api.base import router

Price = Annotated[str, Field(pattern=r"^-?[0-9]{1,11}(\.[0-9]{1,4})?$", description="A number as text, with a dot.")]
Quantity = Annotated[str, Field(pattern=r"^-?[0-9]{1,10}(\.[0-9]{1,4})?$", description="A number as text, with a dot.")]
Cost = Annotated[str, Field(pattern=r"^[0-9]{1,11}(\.[0-9]{1,4})?$", description="A number as text, with a dot.")]
Off = Annotated[
    str, Field(pattern=r"^[0-9]{1,13}(\.[0-9]{1,2})?$", description="An amount off the line, not beside a percentage.")
]


class ProductOut(Schema):
    id: int
    name: str
    code: str
    unit: str
    price: str
    cost: str | None = Field(description="Cost price of a piece; null where it is not known, or you see no profit.")
    currency: str
    tax: str
    is_active: bool


def product_out(row: Product, with_costs: bool) -> dict[str, Any]:
    names = ("name", "code", "unit", "currency", "is_active")
    shown = {name: getattr(row, name) for name in names}
    cost = str(row.cost) if with_costs and row.cost is not None else None
    return {"id": row.pk, "price": str(row.price), "cost": cost, "tax": row.tax.name if row.tax else "", **shown}


@router.get("/products", response=answers(Page[ProductOut]), summary="Products")
@scope("read")
def products(
    request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", q: Annotated[str, Field(max_length=100)] = ""
) -> Any:
    only(request, "q")
    user = signed_in(request)
    rows = Product.objects.visible_to(user).select_related("tax")
    q = q.replace("\0", "")
    shown = partial(product_out, with_costs=sees_profit(user))
    return page_of(rows.filter(search_key__contains=fold(q)) if q else rows, shown, limit, cursor)


class Line(Schema):
    model_config = {"extra": "forbid"}
    name: Annotated[Visible, Field(max_length=200)]
    quantity: Quantity = "1"
    unit: str = Field(default="", max_length=20)
    price: Price
    cost: Cost | None = Field(
        default=None, description="Cost price of a piece. Where no line has one, each keeps the cost that it had."
    )
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
    profit: str | None = Field(description="Net less costs; null where it is not known, or you see no profit.")
    margin: str | None = Field(description="Profit in percent of the net.")


def lines_out(item: Item, user: User) -> dict[str, Any]:
    names = ("name", "unit", "tax_included")
    with_costs = sees_profit(user)
    earned = profit_of(item) if with_costs else None
    rows = [
        {
            "product": line.product_id,
            **{name: getattr(line, name) for name in names},
            **{name: str(getattr(line, name)) for name in ("quantity", "price", "discount", "discount_amount")},
            "tax": line.tax_name,
            "total": str(line.amount(item.currency)),
            "cost": str(line.cost) if with_costs and line.cost is not None else None,
        }
        for line in item.lines.all()
    ]
    amount = str(item.amount) if item.amount is not None else None
    margin = earned.margin if earned is not None else None
    return {
        "lines": rows,
        "amount": amount,
        "currency": item.currency,
        "profit": str(earned.amount) if earned is not None else None,
        "margin": str(margin) if margin is not None else None,
    }


@router.get("/items/{pk}/lines", response=answers(LinesOut), summary="What an item lists")
@scope("read")
def lines(request: HttpRequest, pk: Id) -> Any:
    return lines_out(one(visible_items(request), pk), signed_in(request))


@router.put("/items/{pk}/lines", response=answers(LinesOut), summary="Replace what an item lists")
@scope("write")
@idempotent
def put_lines(request: HttpRequest, pk: Id, payload: Lines) -> Any:
    """All lines at once, in their order; their total becomes the item's amount."""
    item, user = one(visible_items(request), pk), signed_in(request)
    costs_said = any(line.cost is not None for line in payload.lines)
    rates = {rate.name: rate for rate in TaxRate.objects.all()}
    known = set(
        Product.objects.filter(pk__in=[line.product for line in payload.lines if line.product]).values_list(
            "pk", flat=True
        )
    )
    made = []
    for number, line in enumerate(payload.lines):
        if line.cost is not None and not sees_profit(user):
            raise invalid({f"lines.{number}.cost": [str(NO_PROFIT)]})
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
            cost=Decimal(line.cost) if line.cost is not None else None,
            discount=Decimal(line.discount),
            discount_amount=Decimal(line.discount_amount),
            tax_name=line.tax,
            tax_percent=rate.percent if rate else None,
            tax_included=line.tax_included,
        )
        for name, sentence in row.faults(item.currency).items():
            raise invalid({f"lines.{number}.{name}": [sentence]})
        made.append(row)
    fresh = replace_lines(item, made, by=user, cause=API, costs_said=costs_said)
    return lines_out(fresh, user)
