"""Invoice overdue."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from automation.base import SettingsForm, TriggerType, trigger_types
from crm.company.calendars import localise
from crm.models import Event, Item, OwnCompany, Pipeline
from documents import overdue
from documents.models import InvoiceFlow


@trigger_types.register
class InvoiceOverdue(TriggerType):
    key = "invoice_overdue"
    label = _("Invoice overdue")
    synonyms = _("unpaid, late, reminder")
    example = _("Three days late: to “Remind”.")
    group = "documents"
    icon = "clock"
    help = _("The card's invoice has not been paid in full so many days after its last day.")
    events = ("invoice.overdue",)
    arms = ("item.created", "item.restored", "stage.entered", "field.changed")

    class Settings(SettingsForm):
        days = forms.IntegerField(label=_("days after the last day"), min_value=1, max_value=365, initial=1)

    def due_for(self, subject: Item, settings: dict[str, Any], event: Event | None = None) -> datetime | None:
        """The midnight at which so many days are over, in the company's zone, of an invoice that is sent and not paid."""
        if subject.due_date is None or subject.stage_id not in InvoiceFlow.awaiting():
            return None
        return localise(subject.due_date + timedelta(days=settings["days"]), time(0, 0), OwnCompany.zone())

    def tell(self, subject: Item, settings: dict[str, Any], due_at: datetime) -> None:
        # By the hourly round it would stand in *overdue* before anybody hears of it; so it does here.
        overdue.make_overdue(subject)
        overdue.tell(subject, settings["days"])

    def subjects(self, pipeline: Pipeline) -> Any:
        """The pipeline's own invoices, and those of its cards."""
        rows = Item.objects.alive().filter(stage__in=InvoiceFlow.awaiting(), due_date__isnull=False)
        return rows.filter(Q(pipeline=pipeline) | Q(parent__pipeline=pipeline))

    def subjects_of(self, event: Event) -> Any:
        """The invoice itself; of a card that came from another pipeline also its invoices."""
        item = event.item
        if item is None:
            return ()
        came_over = event.kind == "stage.entered" and not event.data("from_name")
        return (item, *item.children.filter(stage__in=InvoiceFlow.awaiting())) if came_over else (item,)

    def pipelines_of(self, subject: Item) -> set[int]:
        return {subject.pipeline_id} | ({subject.parent.pipeline_id} if subject.parent else set())

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return bool(settings["days"] == event.data("days"))

    def summary(self, settings: dict[str, Any]) -> str:
        days = settings.get("days") or 1
        return ngettext("%d day late", "%d days late", days) % days
