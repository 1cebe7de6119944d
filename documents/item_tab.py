"""The card's tab of papers: made from it, invoices and what was paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from crm.models import Item
from crm.slots import ItemTab
from documents.forms import BookPayment, MakeDocument
from documents.models import Document, InvoiceFlow, Payment


def tab(item: Item, user: Any) -> ItemTab | None:
    children = item.children.alive().visible_to(user).filter(pipeline__invoice_flow__isnull=False)
    invoices = list(children.select_related("stage", "pipeline").order_by("pk"))
    documents = list(
        Document.objects.filter(item__in=[item, *invoices]).select_related("item", "author").order_by("-pk")[:50]
    )
    flow = InvoiceFlow.objects.filter(pipeline=item.pipeline_id).first()
    payments = list(Payment.objects.filter(invoice__in=[item, *invoices]).select_related("author"))
    context: dict[str, Any] = {
        "documents": documents,
        "invoices": invoices,
        "payments": payments,
        "make": MakeDocument(item),
        "is_invoice": flow is not None,
        # Who sees the invoice need not see the deal.
        "parent": Item.objects.visible_to(user).filter(pk=item.parent_id or 0).first(),
    }
    paid: dict[int, Decimal] = {}
    for payment in payments:
        paid[payment.invoice_id] = paid.get(payment.invoice_id, Decimal(0)) + payment.amount
    for invoice in invoices:
        invoice.paid = paid.get(invoice.pk, Decimal(0))
    if flow is not None:
        context["paid"] = paid.get(item.pk, Decimal(0))
        context["open"] = (item.amount or Decimal(0)) - context["paid"]
        context["pay"] = BookPayment(item, still_open=context["open"] if context["open"] > 0 else None)
    return ItemTab("documents", _("Documents"), "documents/_item_tab.html", context, count=len(documents) or None)
