"""What documents register in the lower layers; third parties do the same in theirs."""

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.account.audit import audited
from documents import (
    api,
    checkouts,
    customer_part,
    demo,
    evidence,
    item_tab,
    keeping,
    mailing,
    overdue,
    personal_data,
    rendering,
    sent,
    timeline,
)
from documents.actions import create_document, create_invoice, create_payment_link, create_qr, send_for_signature
from documents.models import Document, DocumentTemplate, InvoiceFlow, Numerator, PaymentAccount
from documents.providers import stripe
from documents.triggers import (
    document_created,
    document_declined,
    document_opened,
    document_signed,
    invoice_overdue,
    invoice_paid,
    qr_scanned,
)
from documents.urls import routes


def found(user: Any, text: str) -> tuple[str, str, list[Document]]:
    rows = Document.objects.visible_to(user).found(text).select_related("item").order_by("-pk")
    return "document", _now("Documents"), list(rows[:20])


audited(Numerator)
audited(DocumentTemplate, without=["version"], m2m=["pipelines"])
audited(InvoiceFlow)
audited(PaymentAccount, hidden=["secret"])
slots.api_routers.register(api.router)
slots.demo_parts.register(demo.add_documents)
slots.demo_histories.register(demo.add_history)
slots.customer_parts.register(customer_part.part)
slots.item_tabs.register(item_tab.tab)
slots.lines_changed.register(item_tab.lines_changed)
slots.mail_papers.register(mailing.papers)
slots.nav_links.register(slots.NavLink("documents", "documents", "file-text", _("Documents")))
slots.search_groups.register(found)
slots.routes.extend(route for route in routes if route not in slots.routes)

__all__ = [
    "checkouts",
    "create_document",
    "create_invoice",
    "create_payment_link",
    "create_qr",
    "document_created",
    "document_declined",
    "document_opened",
    "document_signed",
    "evidence",
    "invoice_overdue",
    "invoice_paid",
    "keeping",
    "overdue",
    "personal_data",
    "qr_scanned",
    "rendering",
    "send_for_signature",
    "sent",
    "stripe",
    "timeline",
]
