"""The job that draws a paper: outside any transaction, again after a crash, its outcome written once."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django.core.files.base import ContentFile

from crm.events.notice import notify
from crm.ground import clock
from crm.ground.sentences import said
from crm.models import Cause, Job, User
from crm.people.models import administrators
from crm.work.jobs import Permanent, Temporary
from crm.work.leased import MAX_CRASHES, Status
from crm.work.queue import Kind, register_kind
from documents import sent
from documents.drawing import CannotDraw, Drawn, renderer
from documents.making import DRAW, plan_drawing
from documents.models import Document, DocumentTemplate, TemplateVersion
from documents.values import fill, pictures_of, values_for

log = logging.getLogger("dealwright.documents")

# What every paper begins with; a template's own style comes after it.
BASE_STYLE = (
    "@page { size: %s; margin: 18mm 16mm 20mm }"
    "html { font: 9.5pt/1.45 Inter, sans-serif; color: #1c2430; -weasy-hyphens: manual }"
    "table { border-collapse: collapse; width: 100%% }"
    # A word without end stays on the page: an address, a code of a customer's.
    "p, h1, h2, h3, li, dd, div { overflow-wrap: break-word } td { overflow-wrap: anywhere }"
)


def draw_again(document: Document) -> None:
    """A failed paper keeps its number and is drawn once more."""
    again = Job.objects.filter(key__startswith=f"document:{document.pk}").count()
    Document.objects.filter(pk=document.pk).update(status=Document.Status.QUEUED, error="")
    plan_drawing(document, again)


def drawn(html: str, version: TemplateVersion, title: str, stamped: bool, codes: dict[str, str]) -> Drawn:
    """The PDF of a filled template; `codes`: texts of its QR codes. Raises CannotDraw, OSError."""
    styles = [BASE_STYLE % version.page, version.style]
    return renderer.draw(html, styles, title, pictures_of(stamped, codes))


def preview(template: DocumentTemplate, item: Any) -> Drawn:
    """As it would look for the item: the next number is shown and not taken. Raises MergeError, CannotDraw, OSError.

    The template may be unsaved or changed.
    """
    now = clock.now()
    number, day = template.numerator.preview(now), template.numerator.local(now)
    values = values_for(item, template, number=number, day=day, stamped=True)
    html = fill(template, item, values)
    version = TemplateVersion(body=template.body, style=template.style, page=template.page)
    return drawn(html, version, template.name, True, values["codes"])


# ---------------------------------------------------------------------- the job


def _perform(job: Job) -> Drawn:
    document = Document.objects.select_related("version").get(pk=job.payload["document"])
    try:
        codes = document.data.get("codes") or {}
        return drawn(document.html, document.version, str(document), document.stamped, codes)
    except CannotDraw as fault:
        raise Permanent(str(fault)) from fault
    except OSError as error:
        raise Temporary(said("renderer.ended", "The renderer ended; it is tried again.")) from error


def _conclude(job: Job, outcome: Any) -> None:
    document = Document.objects.select_related("item", "item__parent", "version", "author").get(
        pk=job.payload["document"]
    )
    if isinstance(outcome, Drawn):
        _ready(job, document, outcome)
    elif outcome is None and job.crashes < MAX_CRASHES:
        # The worker died while drawing: nothing left the house, so it is drawn again; the crash stays counted.
        job.change(status=Status.PLANNED, due_at=clock.now(), owner="", lease_until=None)
    else:
        _failed(
            job, document, said("crashed", "crashed the worker") if outcome is None else str(outcome) or repr(outcome)
        )


def _ready(job: Job, document: Document, outcome: Drawn) -> None:
    job.end(Status.DONE, "")
    if document.is_drawn:
        return  # a worker that was thought dead had finished it
    document.file.save(f"{document.pk}.pdf", ContentFile(outcome.pdf), save=False)
    document.sha256, document.pages = hashlib.sha256(outcome.pdf).hexdigest(), outcome.pages
    if document.status == Document.Status.QUEUED:
        document.status = Document.Status.SENT if document.sent_at else Document.Status.READY
    document.error = ""
    document.save(update_fields=["file", "sha256", "pages", "status", "error"])
    cause = Cause("rule", document.origin, job.payload.get("depth", 1)) if document.origin else Cause()
    sent.plan_drawn(document)
    document.tell("document.created", actor=document.author, cause=cause, key=f"document.created:{document.pk}")


def _failed(job: Job, document: Document, sentence: str) -> None:
    job.end(Status.FAILED, sentence)
    Document.objects.filter(pk=document.pk).update(status=Document.Status.FAILED, error=sentence)
    asked: list[User] = [document.author] if document.author else administrators()
    words = {"document": str(document), "fault": sentence}
    notify(
        asked,
        said("notice.paper_failed", "“%(document)s” could not be made: %(fault)s") % words,
        item=document.item,
        kind="document",
        group=f"document:{document.pk}:failed",
    )


register_kind(Kind(DRAW, _perform, outside=True, indoors=True, conclude=_conclude))
