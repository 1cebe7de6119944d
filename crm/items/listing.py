"""What an item lists: its lines are replaced as a whole, and make its amount and its profit."""

from __future__ import annotations

from django.db import transaction
from django.utils.crypto import salted_hmac

from crm.events.models import Cause
from crm.events.record import record
from crm.ground import databases
from crm.ground.refused import Gone
from crm.ground.sentences import said
from crm.items.models import profit
from crm.items.models.gate import Stale
from crm.items.models.items import Item
from crm.items.models.lines import LineItem, Product, total_of
from crm.people.models import User
from crm.pipelines import boards


def state_of(item: Item) -> str:
    """A mark of the item's lines as they are: other lines, another mark.

    With our key: it stands in forms, and who sees no costs would else try prices until the mark is the same.
    """
    names = ("pk", "name", "quantity", "price", "cost", "discount", "discount_amount", "tax_name")
    rows = str([tuple(getattr(line, name) for name in names) for line in item.lines.all()])
    return salted_hmac("items.lines", rows, algorithm="sha256").hexdigest()[:16]


def replace_lines(
    item: Item,
    lines: list[LineItem],
    *,
    by: User | None = None,
    cause: Cause = Cause(),
    known: str = "",
    costs_said: bool = False,
) -> Item:
    """The item has these lines from now on, in their order, and their total as its amount. Returns the fresh item.

    Args:
        lines: unsaved rows, their item is set here; with none the amount stays as it is.
        known: the mark (`state_of`) of the lines that these shall replace; empty: of any.
        costs_said: a line without a cost price has none. Else nobody spoke of costs, who perhaps sees none: such a line keeps
            that of the line which it replaces, or takes the product's.
    Raises Forbidden, Gone, Refused for a sum that is too large, Stale where somebody else changed the lines.
    """
    with transaction.atomic():
        fresh = databases.lock(Item.objects.alive().filter(pk=item.pk)).first()
        if fresh is None:
            raise Gone(said("item.is_deleted", "This item was deleted."))
        if by is not None:
            fresh.require(by, "edit")
        if known and state_of(fresh) != known:
            raise Stale(fresh)
        total = total_of(lines, fresh.currency)
        if not costs_said:
            _keep_costs(lines, list(fresh.lines.all()), fresh.currency)
        fresh.lines.all().delete()
        for order, line in enumerate(lines):
            line.pk, line.item, line.order = None, fresh, order
        LineItem.objects.bulk_create(lines)
        if profit.reckon(fresh, lines, refuses=costs_said):
            boards.touch(fresh.pipeline_id, fresh.stage_id)  # cards and columns show it, whatever the amount
        payload = {"count": len(lines), "total": str(total), "currency": fresh.currency}
        record("lines.changed", item=fresh, actor=by, cause=cause, payload=payload)
        if lines:
            fresh.change({"amount": total}, by=by, cause=cause)
    return fresh


def _keep_costs(lines: list[LineItem], old: list[LineItem], currency: str) -> None:
    """A line keeps the cost of the one that it replaces, none included; a new one takes its product's."""
    replaced = _replaced(lines, old)
    products = Product.objects.in_bulk([line.product_id for line in lines if line.cost is None and line.product_id])
    for line, before in zip(lines, replaced, strict=True):
        product: Product | None = products.get(line.product_id or 0)
        if line.cost is None and before is not None:
            line.cost = before.cost
        elif line.cost is None and product is not None and product.currency == currency:
            line.cost = product.cost


def _replaced(lines: list[LineItem], old: list[LineItem]) -> list[LineItem | None]:
    """Of each line the old one that it replaces, each once: of its name and product, where it stood or elsewhere; else the one
    in its place, if it is of the same product, or of none at the same price: somebody corrected its name."""
    found: list[LineItem | None] = [None] * len(lines)
    left = dict(enumerate(old))
    for fits in (_same_in_place, _same, _renamed_in_place):
        for place, line in enumerate(lines):
            if found[place] is None:
                taken = next((number for number, before in left.items() if fits(line, place, before, number)), None)
                found[place] = left.pop(taken) if taken is not None else None
    return found


def _same(line: LineItem, place: int, before: LineItem, number: int) -> bool:
    return (line.product_id, line.name) == (before.product_id, before.name)


def _same_in_place(line: LineItem, place: int, before: LineItem, number: int) -> bool:
    return place == number and _same(line, place, before, number)


def _renamed_in_place(line: LineItem, place: int, before: LineItem, number: int) -> bool:
    same = line.product_id == before.product_id
    return place == number and same and (line.product_id is not None or line.price == before.price)
