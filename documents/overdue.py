"""Once an hour: invoices whose last day is over move to *overdue*, and triggers hear how late they are."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.db import transaction

from automation.models import Trigger
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
CATCH_UP = 14  # days


def _days_asked() -> set[int]:
    """How late somebody wants to hear of; the first day always counts."""
    settings = Trigger.objects.filter(type="invoice_overdue", is_enabled=True).values_list("settings", flat=True)
    return {1} | {int(one["days"]) for one in settings if re.fullmatch("[0-9]{1,4}", str(one.get("days", "")))}


def perform(job: Any) -> None:
    asked = _days_asked()
    day = today()
    for flow in InvoiceFlow.objects.select_related("pipeline"):
        late = Item.objects.alive().filter(pipeline=flow.pipeline, due_date__lt=day)
        waiting = late.filter(stage__in=(flow.sent_id, flow.partly_paid_id))
        for pk in waiting.order_by("pk").values_list("pk", flat=True)[:SLICE]:
            _overdue(pk, flow)
        for days in sorted(asked):
            # Those that became as late since; one that was passed over while we stood still is told now, once.
            span = (day - timedelta(days=days + CATCH_UP), day - timedelta(days=days))
            for invoice in late.filter(stage=flow.overdue_id, due_date__range=span).select_related("parent"):
                _tell(invoice, days)


def _tell(invoice: Item, days: int) -> None:
    payload = {"invoice": invoice.pk, "title": invoice.title, "days": days, "currency": invoice.currency}
    payload["open"] = str(Balance.of(invoice).open)
    for item in filter(None, (invoice, invoice.parent)):
        key = f"invoice.overdue:{invoice.pk}:{days}:{item.pk}"
        if not Event.objects.filter(key=key).exists():
            record("invoice.overdue", item=item, payload=payload, cause=Cause("system"), key=key)


def _overdue(pk: int, flow: InvoiceFlow) -> None:
    with transaction.atomic():
        invoice = databases.lock(Item.objects.alive().filter(pk=pk)).first()
        if invoice is not None and invoice.stage_id in (flow.sent_id, flow.partly_paid_id):
            invoice.move_to(flow.overdue, MoveOptions(cause=Cause("system"), override=True))


register_kind(Kind(KIND, perform))
every(KIND, timedelta(hours=1))
