"""The card's tab of papers: made from it, invoices and what was paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from crm.models import Item
from crm.pipelines import rights
from crm.slots import ItemTab
from documents import sent
from documents.credit_form import MakeCreditNote
from documents.forms import BookPayment, MakeDocument
from documents.models import Document, Payment
from documents.models.balances import Balance
from documents.models.invoicing import today
from documents.models.templates import Kind


def tab(
    item: Item,
    user: Any,
    make: MakeDocument | None = None,
    pay: BookPayment | None = None,
    credit: MakeCreditNote | None = None,
) -> ItemTab:
    """`make`, `pay`, `credit`: forms that are open; without them they come when somebody asks for them."""
    near = Q(pk__in=[pk for pk in (item.pk, item.parent_id) if pk])
    rows = Item.objects.alive().filter(near | Q(parent=item, pipeline__invoice_flow__isnull=False))
    seen = rights.within(user)
    if seen:  # an empty Q means everything, but beside another one nothing
        rows = rows.filter(Q(pk=item.pk) | seen)
    family = list(rows.select_related("stage", "pipeline__invoice_flow").order_by("pk"))
    invoices: list[Any] = [row for row in family if row.pk not in (item.pk, item.parent_id)]
    is_invoice = any(row.pk == item.pk and hasattr(row.pipeline, "invoice_flow") for row in family)
    documents = list(
        Document.objects.visible_to(user)
        .filter(item__in=[item, *invoices])
        .select_related("item", "author")
        .order_by("-pk")[:50]
    )
    payments: list[Payment] = []
    if invoices or is_invoice:
        payments = list(Payment.objects.visible_to(user).filter(invoice__in=[item, *invoices]).select_related("author"))
    context: dict[str, Any] = {
        "documents": documents,
        "invoices": invoices,
        "payments": payments,
        "make": make,
        "pay": pay,
        "credit": credit,
        "is_invoice": is_invoice,
        # Who sees the invoice need not see the deal.
        "parent": next((row for row in family if row.pk == item.parent_id), None),
    }
    balances = Balance.of_many([item, *invoices] if is_invoice else invoices) if invoices or is_invoice else {}
    for invoice in invoices:
        invoice.balance = balances[invoice.pk]
        invoice.never_sent = sent.is_due_unsent(invoice, invoice.pipeline.invoice_flow, today())
    context["never_sent_words"] = sent.NEVER_SENT.worded()
    if is_invoice:
        flow = item.pipeline.invoice_flow
        context["never_sent"] = sent.NEVER_SENT.worded() if sent.is_due_unsent(item, flow, today()) else ""
        context["balance"] = balances[item.pk]
        context["overpaid"] = max(-balances[item.pk].open, Decimal(0))
        context["may_credit"] = balances[item.pk].owed > 0 and any(_is_valid_invoice(row, item) for row in documents)
    return ItemTab("documents", _("Documents"), "documents/_item_tab.html", context, count=len(documents) or None)


def _is_valid_invoice(paper: Document, item: Item) -> bool:
    return paper.item_id == item.pk and paper.kind == Kind.INVOICE and paper.status != Document.Status.VOID


def lines_changed(item: Item) -> str:
    """An invoice's paper says something else than its card now."""
    made = Document.objects.filter(item=item, kind=Kind.INVOICE).exclude(status=Document.Status.VOID)
    paper = made.order_by("-pk").first()
    if paper is None:
        return ""
    return _("%s was made of the lines as they were: make its next version, or change them back.") % paper.number
