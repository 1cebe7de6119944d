"""What becomes of numbered papers when a card is purged, a move taken back, a stage or pipeline taken out."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from automation.models import Run
from crm import slots
from crm.items.archiving import PipelineUse
from crm.models import Item, Pipeline, Stage, StageVisit
from crm.slots import StageUse
from documents.models import Document, DocumentTemplate, InvoiceFlow, Payment


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


@slots.pipeline_uses.register
def uses_of_pipeline(pipeline: Pipeline) -> list[PipelineUse]:
    """Invoices go on being paid: their pipeline stays. Templates follow its cards."""
    flows = InvoiceFlow.objects.filter(pipeline=pipeline).count()
    templates = DocumentTemplate.objects.filter(pipelines=pipeline)
    keeps = _("Invoices are made in this pipeline; name another one under Pipelines of invoices first.")
    return [
        PipelineUse(_("pipeline of invoices"), flows, keeps=keeps),
        PipelineUse(_("document templates"), templates.count(), lambda to: _offer_in(templates, to)),
    ]


def _offer_in(templates: Any, pipeline: Pipeline) -> None:
    for template in list(templates):
        template.pipelines.add(pipeline)


@slots.stage_uses.register
def stages_of_invoices(stage: Stage) -> list[StageUse]:
    """A stage that means something to invoices hands its meaning on."""
    found = []
    for name in InvoiceFlow.STAGES:
        rows = InvoiceFlow.objects.filter(**{name: stage})
        column: Any = InvoiceFlow._meta.get_field(name)
        words = _("the stage of invoices that means “%s”") % column.verbose_name
        found.append(StageUse(words, rows.count(), partial(_put, rows, name)))
    return found


def _put(rows: Any, name: str, to: Any) -> None:
    rows.update(**{name: to})
