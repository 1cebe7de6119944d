"""Papers that mails take along as files."""

from __future__ import annotations

from functools import partial
from typing import Any

from crm.messages.mail.composing import NewFile
from crm.models import Item
from crm.slots import MailPaper
from documents.models import Document

MOST = 20


def papers(item: Item, user: Any) -> list[MailPaper]:
    """Drawn papers of the card and of its invoices, as far as the person sees them (None: a rule), newest first."""
    rows = Document.objects.filter(item__in=[item, *item.children.alive()], closed_until=None).exclude(file="")
    if user is not None:
        rows = rows.visible_to(user)
    rows = rows.exclude(status=Document.Status.VOID).order_by("-pk")
    return [MailPaper(f"document:{row.pk}", str(row), partial(_read, row)) for row in rows[:MOST]]


def _read(document: Document) -> NewFile:
    with document.file.open("rb") as file:
        content = file.read()
    return NewFile(content, document.file_name(), "application/pdf", f"document:{document.pk}")
