"""Papers that mails take along as files."""

from __future__ import annotations

from functools import partial
from typing import Any

from crm.mail.composing import NewFile
from crm.models import Item
from crm.slots import MailPaper
from documents.models import Document, InvoiceFlow

MOST = 20


def papers(item: Item, user: Any) -> list[MailPaper]:
    """Drawn papers of the card and of its invoices, as far as the person sees them (None: a rule), newest first."""
    rows = Document.objects.filter(item__in=[item, *item.children.alive()]).exclude(file="")
    if user is not None:
        rows = rows.visible_to(user)
    rows = rows.exclude(status=Document.Status.VOID).order_by("-pk")
    return [MailPaper(f"document:{row.pk}", str(row), partial(_read, row), partial(_sent, row)) for row in rows[:MOST]]


def _read(document: Document) -> NewFile:
    with document.file.open("rb") as file:
        content = file.read()
    return NewFile(content, document.file_name(), "application/pdf")


def _sent(document: Document) -> None:
    """The mail that takes it along is written: it counts as sent, and so does its invoice."""
    document.mark_sent()
    InvoiceFlow.paper_changed(document, None)
