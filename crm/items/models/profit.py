"""What an item earns: the net of its lines less their cost prices.

Rows of their own, so that no list, export, webhook or merge text that walks over an item's columns tells it: whoever shows
it asks for it, and asks first whether its reader sees profit (crm/pipelines/roles.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.company.rates import base_amount
from crm.ground.columns.decimals import MoneyField
from crm.ground.decimals import EXACT, MONEY
from crm.ground.refused import Refused
from crm.ground.sentences import said
from crm.items.models.lines import LineItem, Totals

if TYPE_CHECKING:
    from crm.items.models.items import Item

HUNDRED = Decimal(100)


class Profit(models.Model):
    """Of an item whose lines all have a cost price, in its currency and the company's own; without a row it is not known."""

    item = models.OneToOneField(
        "crm.Item", models.CASCADE, primary_key=True, related_name="profit", verbose_name=_("item")
    )
    # Of all lines together, without taxes.
    net = MoneyField(_("net"))
    amount = MoneyField(_("profit"))
    base_net = MoneyField(null=True)
    base_amount = MoneyField(null=True)

    class Meta:
        verbose_name = _("profit")
        verbose_name_plural = _("profits")
        indexes = [models.Index(fields=["base_amount"], name="profit_base")]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.amount}"

    @property
    def costs(self) -> Decimal:
        return self.net - self.amount

    @property
    def margin(self) -> Decimal | None:
        """In percent of the net, to one decimal; None where nothing is charged."""
        return margin_of(self.amount, self.net)


def margin_of(profit: Decimal, net: Decimal) -> Decimal | None:
    """Args: both in one currency."""
    if not net:
        return None
    with localcontext(EXACT):
        return (profit * HUNDRED / net).quantize(Decimal("0.1"))


def of_lines(lines: Iterable[LineItem], currency: str) -> tuple[Decimal, Decimal] | None:
    """Net and profit of lines, in minor units' decimals of the currency; None of none, and where a cost is not known."""
    lines = list(lines)
    costs = [line.costs(currency) for line in lines]
    if not lines or any(cost is None for cost in costs):
        return None
    net = Totals.of(lines, currency).net
    with localcontext(EXACT):
        return net, net - sum((cost for cost in costs if cost is not None), Decimal(0))


def profit_of(item: Item) -> Profit | None:
    """As it is kept; None where it is not known. One query, where it was not read with the item."""
    return getattr(item, "profit", None)


def reckon(item: Item, lines: list[LineItem], *, refuses: bool) -> bool:
    """The item's profit is that of these lines, from now on; returns whether it was another one.

    Args:
        refuses: raise Refused where costs are more than an amount may be. Else it is not known then: whoever sees no costs
            would learn them to the cent from how much is refused.
    """
    found = of_lines(lines, item.currency)
    if found is not None and not refuses and not all(map(MONEY.holds, found)):
        found = None
    known = Profit.objects.filter(item=item).values_list("net", "amount").first()
    if found is None:
        Profit.objects.filter(item=item).delete()
        return known is not None
    net, amount = found
    if not (MONEY.holds(net) and MONEY.holds(amount)):
        raise Refused(said("lines.costs_too_large", "The costs of all lines together are more than an amount may be."))
    Profit.objects.update_or_create(item=item, defaults={"net": net, "amount": amount, **_base(item, net, amount)})
    return known != found


def recount(item: Any) -> None:
    """The item (a row of items) counts in another currency, and its lines with it."""
    known: Any = Profit.objects.filter(item=item).first()
    if known is not None:
        Profit.objects.filter(item=item).update(**_base(item, known.net, known.amount))


def _base(item: Any, net: Decimal, amount: Decimal) -> dict[str, Decimal | None]:
    return {"base_net": base_amount(net, item.currency), "base_amount": base_amount(amount, item.currency)}
