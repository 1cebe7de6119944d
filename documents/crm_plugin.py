"""What documents register in the lower layers; third parties do the same in theirs."""

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.audit import audited
from documents import demo, item_tab, keeping, overdue, rendering, timeline
from documents.actions import create_document, create_invoice
from documents.models import Document, DocumentTemplate, InvoiceFlow, Numerator
from documents.triggers import (
    document_created,
    document_declined,
    document_opened,
    document_signed,
    invoice_overdue,
    invoice_paid,
)
from documents.urls import routes


def found(user: Any, text: str) -> tuple[str, str, list[Document]]:
    rows = Document.objects.visible_to(user).found(text).select_related("item").order_by("-pk")
    return "document", _now("Documents"), list(rows[:20])


audited(Numerator)
audited(DocumentTemplate, without=["version"], m2m=["pipelines"])
audited(InvoiceFlow)
slots.demo_parts.register(demo.add_documents)
slots.demo_histories.register(demo.add_history)
slots.item_tabs.register(item_tab.tab)
slots.nav_links.register(slots.NavLink("documents", "documents", "file-text", _("Documents")))
slots.search_groups.register(found)
slots.timelines.register(timeline.told)
slots.routes.extend(route for route in routes if route not in slots.routes)

__all__ = [
    "create_document",
    "create_invoice",
    "document_created",
    "document_declined",
    "document_opened",
    "document_signed",
    "invoice_overdue",
    "invoice_paid",
    "keeping",
    "overdue",
    "rendering",
]
