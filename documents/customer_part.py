"""Papers and money on the page of a contact or company."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from crm.slots import ItemTab
from documents.models import Document
from documents.models.balances import Balance

NOTHING = Decimal(0)
MOST_PAPERS = 10


def part(record: Any, items: Any, user: Any) -> ItemTab | None:
    """What was invoiced, paid, is open and was paid too much, by currency; the newest papers.

    Args:
        items: a queryset of the customer's cards that the person sees.
    """
    papers = Document.objects.visible_to(user).filter(item__in=items.order_by().values("pk"))
    shown = list(papers.select_related("item").order_by("-pk")[:MOST_PAPERS])
    invoices = items.filter(pipeline__invoice_flow__isnull=False).select_related("pipeline__invoice_flow")
    valid = [row for row in invoices if row.stage_id != row.pipeline.invoice_flow.void_id]
    balances = Balance.of_many(valid) if valid else {}
    sums: dict[str, list[Decimal]] = {}
    for row in valid:
        balance, totals = balances[row.pk], sums.setdefault(row.currency, [NOTHING] * 4)
        for place, amount in enumerate(
            (balance.owed, balance.paid, max(balance.open, NOTHING), max(-balance.open, NOTHING))
        ):
            totals[place] += amount
    if not shown and not sums:
        return None
    context = {"papers": shown, "sums": sorted(sums.items())}
    return ItemTab("documents", _("Papers and money"), "documents/_customer_part.html", context, count=papers.count())
