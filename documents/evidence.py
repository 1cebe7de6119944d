"""The accepted paper with a page of evidence behind it: who, when, from where, and what exactly was accepted."""

from __future__ import annotations

import hashlib
import io
from typing import Any
from zoneinfo import ZoneInfo

import pypdfium2
from babel.dates import format_datetime
from django.core.files.base import ContentFile
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from crm.ground import clock
from crm.ground.sentences import said
from crm.models import Event, Job, OwnCompany
from crm.work.jobs import Permanent, Temporary
from crm.work.leased import MAX_CRASHES, Status
from crm.work.queue import Kind, register_kind
from documents.drawing import CannotDraw, renderer
from documents.models import Document
from documents.pictures import one_at_a_time

KIND = "draw_evidence"
STYLE = (
    "@page { size: A4; margin: 22mm 20mm }"
    "html { font: 9.5pt/1.5 Inter, sans-serif; color: #1c2430 }"
    "h1 { font-size: 17pt; margin: 0 0 2mm } .lead { font-size: 12pt; margin: 0 0 8mm; color: #4a5568 }"
    "table { border-collapse: collapse; width: 100% } th, td { padding: 2.6mm 0; border-bottom: .3pt solid #cbd2dc;"
    " vertical-align: top; text-align: left } th { width: 52mm; font-weight: 600; padding-right: 6mm }"
    ".code { font-size: 8pt; overflow-wrap: anywhere } img { max-width: 70mm; max-height: 26mm }"
    ".small { font-size: 8pt; color: #4a5568; margin-top: 8mm }"
)


def plan(document: Document) -> Job:
    payload = {"document": document.pk}
    return Job.plan(KIND, f"evidence:{document.pk}", item=document.item, channel_key="renderer", payload=payload)


def page_of(document: Document) -> str:
    """The page's HTML, in the paper's language."""
    own = OwnCompany.first()
    zone = ZoneInfo(OwnCompany.zone())
    signed = Event.objects.filter(item=document.item, kind="document.signed", payload__document=document.pk).first()

    def told(moment: Any) -> str:
        local = format_datetime(moment.astimezone(zone), "long", locale=document.language)
        return f"{local} ({zone.key})"

    with translation.override(document.language):
        steps = (
            (_("Made"), document.created_at),
            (_("Sent"), document.sent_at),
            (_("First opened"), document.viewed_at),
        )
        moments = [(label, told(moment)) for label, moment in (*steps, (_("Accepted"), document.answered_at)) if moment]
        contact = document.item.contact
        context = {
            "document": document,
            "own": own,
            "customer": contact.name if contact else "",
            "moments": moments,
            "sender": signed.data("address_hash") if signed else "",
            "drawn": bool(document.signature),
        }
        return render_to_string("documents/evidence.html", context)


def joined(first: bytes, second: bytes) -> bytes:
    """Both PDFs as one."""
    with one_at_a_time:
        whole, more = pypdfium2.PdfDocument(first), pypdfium2.PdfDocument(second)
        try:
            whole.import_pages(more)
            out = io.BytesIO()
            whole.save(out)
        finally:
            more.close()
            whole.close()
    return out.getvalue()


def _perform(job: Job) -> bytes:
    document = Document.objects.select_related("item__contact").get(pk=job.payload["document"])
    pictures = {}
    try:
        if document.signature:
            with document.signature.open("rb") as file:
                pictures["drawn"] = file.read()
        page = renderer.draw(page_of(document), [STYLE], str(document), pictures)
        with document.file.open("rb") as file:
            return joined(file.read(), page.pdf)
    except CannotDraw as fault:
        raise Permanent(str(fault)) from fault
    except (OSError, pypdfium2.PdfiumError) as error:
        raise Temporary(str(error) or repr(error)) from error


def _conclude(job: Job, outcome: Any) -> None:
    document = Document.objects.get(pk=job.payload["document"])
    if isinstance(outcome, bytes):
        job.end(Status.DONE, "")
        if not document.signed_file:
            document.signed_file.save(f"{document.pk}-signed.pdf", ContentFile(outcome), save=False)
            document.signed_sha256 = hashlib.sha256(outcome).hexdigest()
            document.save(update_fields=["signed_file", "signed_sha256"])
    elif outcome is None and job.crashes < MAX_CRASHES:
        job.change(status=Status.PLANNED, due_at=clock.now(), owner="", lease_until=None)
    else:
        job.end(Status.FAILED, str(outcome or said("crashed", "crashed the worker")))


register_kind(Kind(KIND, _perform, outside=True, indoors=True, conclude=_conclude))
