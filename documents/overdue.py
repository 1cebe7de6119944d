"""Once an hour: invoices whose last day is over move to *overdue*, and triggers hear how late they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from automation.models import Trigger
from crm import clock, databases
from crm.events import record
from crm.models import Cause, Item
from crm.queue import Kind, every, register_kind
from documents.models import InvoiceFlow
from documents.models.payments import Payment

KIND = "overdue_invoices"
SLICE = 200


def _days_asked() -> set[int]:
    """How late somebody wants to hear of; the first day always counts."""
    settings = Trigger.objects.filter(type="invoice_overdue", is_enabled=True).values_list("settings", flat=True)
    return {1} | {int(one["days"]) for one in settings if str(one.get("days", "")).isdigit()}


def perform(job: Any) -> None:
    flow = InvoiceFlow.first()
    if flow is None:
        return
    today = clock.now().date()
    asked = _days_asked()
    late = Item.objects.alive().filter(pipeline=flow.pipeline, due_date__lt=today)
    waiting = late.filter(stage__in=(flow.sent_id, flow.partly_paid_id))
    for pk in waiting.order_by("pk").values_list("pk", flat=True)[:SLICE]:
        _overdue(pk, flow)
    days = [today - timedelta(days=number) for number in asked]
    for invoice in late.filter(stage=flow.overdue_id, due_date__in=days).select_related("parent"):
        number = (today - invoice.due_date).days
        payload = {"invoice": invoice.pk, "title": invoice.title, "days": number}
        payload |= {"open": str((invoice.amount or 0) - Payment.paid_of(invoice)), "currency": invoice.currency}
        for item in filter(None, (invoice, invoice.parent)):
            key = f"invoice.overdue:{invoice.pk}:{number}:{item.pk}"
            record("invoice.overdue", item=item, payload=payload, cause=Cause("system"), key=key)


def _overdue(pk: int, flow: InvoiceFlow) -> None:
    with transaction.atomic():
        invoice = databases.lock(Item.objects.alive().filter(pk=pk)).first()
        if invoice is not None and invoice.stage_id in (flow.sent_id, flow.partly_paid_id):
            invoice.move_to(flow.overdue, cause=Cause("system"), override=True)


register_kind(Kind(KIND, perform))
every(KIND, timedelta(hours=1))
