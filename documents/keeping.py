"""What becomes of numbered papers when a card is purged, a move taken back, a stage taken out."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from automation.models import Run
from crm import slots
from crm.models import Item, Stage, StageVisit
from crm.retiring import StageUse
from documents.models import Document, InvoiceFlow, Payment


@slots.bin_keeps.register
def without_numbered(items: Any) -> Any:
    """A number that was given stays given: cards with papers or payments rest in the bin and are not purged."""
    return items.exclude(pk__in=Document.objects.values("item")).exclude(pk__in=Payment.objects.values("invoice"))


@slots.move_undone.register
def void_papers(item: Item, visit: StageVisit) -> None:
    """Papers that rules of the move made are void, with their invoices; the numbers stay theirs."""
    ids = [
        outputs["document"]
        for outputs in Run.objects.filter(visit=visit).values_list("outputs", flat=True)
        if outputs.get("document")
    ]
    for document in Document.objects.filter(pk__in=ids).exclude(status=Document.Status.VOID).select_related("item"):
        document.change_status(Document.Status.VOID)
        document.tell("document.voided")
        InvoiceFlow.paper_changed(document, None)


@slots.stage_uses.register
def stages_of_invoices(stage: Stage) -> list[StageUse]:
    """A stage that means something to invoices hands its meaning on."""
    found = []
    for name in InvoiceFlow.STAGES:
        rows = InvoiceFlow.objects.filter(**{name: stage})
        label = InvoiceFlow._meta.get_field(name).verbose_name
        words = _("the stage of invoices that means “%s”") % label
        found.append(StageUse(words, rows.count(), lambda to, rows=rows, name=name: rows.update(**{name: to})))
    return found
