"""Invoices whose last day is over: once an hour they move to *overdue*, and their first late day is told.

How many days later a trigger hears of it is the matter of its timers (documents/triggers/invoice_overdue.py).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from crm.events.record import record
from crm.ground import databases
from crm.items.models.gate import MoveOptions
from crm.models import Cause, Event, Item
from crm.work.queue import Kind, every, register_kind
from documents.models import InvoiceFlow
from documents.models.balances import Balance
from documents.models.invoicing import today

KIND = "overdue_invoices"
SLICE = 200
CATCH_UP = 14  # days: what was passed over while we stood still is told once


def perform(job: Any) -> None:
    day = today()
    for flow in InvoiceFlow.objects.select_related("pipeline"):
        late = Item.objects.alive().filter(pipeline=flow.pipeline, due_date__lt=day)
        waiting = late.filter(stage__in=(flow.sent_id, flow.partly_paid_id))
        for invoice in waiting.order_by("pk")[:SLICE]:
            with transaction.atomic():
                make_overdue(invoice)
        fresh = late.filter(stage=flow.overdue_id, due_date__gte=day - timedelta(days=1 + CATCH_UP))
        for invoice in fresh.select_related("parent"):
            tell(invoice, 1)


def make_overdue(invoice: Item) -> None:
    """Move it to *overdue* if it still waits in *sent* or *partly paid*; inside the caller's transaction."""
    flow = InvoiceFlow.objects.filter(pipeline=invoice.pipeline_id).select_related("overdue").first()
    found = databases.lock(Item.objects.alive().filter(pk=invoice.pk)).first()
    if flow is not None and found is not None and found.stage_id in (flow.sent_id, flow.partly_paid_id):
        found.move_to(flow.overdue, MoveOptions(cause=Cause("system"), override=True))


def tell(invoice: Item, days: int) -> None:
    """Record that it is so many days late, on the invoice and on its card; once for each."""
    payload = {"invoice": invoice.pk, "title": invoice.title, "days": days, "currency": invoice.currency}
    payload["open"] = str(Balance.of(invoice).open)
    for item in filter(None, (invoice, invoice.parent)):
        key = f"invoice.overdue:{invoice.pk}:{days}:{item.pk}"
        if not Event.objects.filter(key=key).exists():
            record("invoice.overdue", item=item, payload=payload, cause=Cause("system"), key=key)


register_kind(Kind(KIND, perform))
every(KIND, timedelta(hours=1))
