"""Personal data of papers. Issued ones and payments stay unchanged for the legal period, closed to all but those who keep
the books, and are erased after it; offers and drafts go at once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.company.models import SystemSwitches
from crm.ground.folding import fold
from crm.ground.sentences import said
from crm.items.erasure import PersonalData, Subject, remove
from crm.items.personal_data import DELETED, EMPTIED
from crm.models import Item, Job, LineItem
from crm.work.leased import UNSTARTED
from crm.work.queue import Kind as JobKind
from crm.work.queue import every, register_kind
from documents.models import Checkout, CreditNote, Document, DocumentLink, InvoiceFlow, Payment, PaymentLink, QrCode
from documents.models.invoicing import today
from documents.models.statements import StatementLine
from documents.models.templates import Kind

# Proofs of what was sold and paid; an offer is one once the customer has accepted it.
BOOKED = (Kind.INVOICE, Kind.CREDIT_NOTE, Kind.CONTRACT, Kind.ACCEPTANCE, Kind.DELIVERY)
NOT_ISSUED = (Document.Status.QUEUED, Document.Status.FAILED)
EMPTY_PAPER = {
    "html": "",
    "data": {},
    "title": "—",
    "search_key": "",
    "error": "",
    "answered_by": "",
    "answer_note": "",
    "file": "",
    "signature": "",
    "signed_file": "",
}
FILES = ("file", "signature", "signed_file")


def issued(items: list[int]) -> Any:
    """Papers of these cards that the law wants kept (a queryset)."""
    rows = Document.objects.filter(item__in=items).exclude(status__in=NOT_ISSUED)
    return rows.filter(Q(kind__in=BOOKED) | Q(status=Document.Status.ACCEPTED))


@slots.papers_kept.register
def with_issued_papers(items: list[int]) -> set[int]:
    """Whose lines belong to a paper that is kept."""
    paid = Payment.objects.filter(invoice__in=items).values_list("invoice", flat=True)
    return {*issued(items).values_list("item", flat=True), *paid}


@slots.erasure_bars.register
def open_invoice(subject: Subject) -> str:
    """Who still owes us something is no case for erasing: the claim would go with the customer."""
    open_ones = Item.objects.alive().filter(pk__in=subject.items)
    made = Q(stage__in=InvoiceFlow.objects.values("draft"), pk__in=issued(subject.items).values("item"))
    waiting = open_ones.filter(Q(stage__in=InvoiceFlow.awaiting()) | made).order_by("pk").first()
    if waiting is None:
        return ""
    words = said("erasure.open_invoice", "The invoice “%s” is still open: have it paid, or make it void, first.")
    return words % waiting.title


@slots.erasure_begins.register
def close_issued(subject: Subject) -> None:
    """Papers that stay are closed until their day; what was being drawn is not drawn any more."""
    drawn = Job.objects.filter(pk__in=Document.objects.filter(item__in=subject.items).values("job"))
    Job.cancel(
        list(drawn.filter(status__in=UNSTARTED).values_list("pk", flat=True)),
        said("erased", "the customer was erased"),
    )
    until = today() + timedelta(days=round(365.25 * SystemSwitches.years_of_papers()))
    issued(subject.items).filter(closed_until=None).update(closed_until=until)


def _going(subject: Subject) -> Any:
    return Document.objects.filter(item__in=subject.items, closed_until=None)


def _links(subject: Subject) -> Any:
    return DocumentLink.objects.filter(document__item__in=subject.items)


def _named_after_paper(item: Item) -> dict[str, Any]:
    paper = item.documents.exclude(closed_until=None).order_by("pk").first()
    title = paper.number if paper is not None else item.title
    return {"title": title, "search_key": fold(title)}


for data in (
    PersonalData(_("offers and drafts of papers"), EMPTIED, _going, cleared=EMPTY_PAPER, files=FILES),
    PersonalData(_("links to papers"), DELETED, _links, counts=False),
    PersonalData(
        _("links to pay"),
        DELETED,
        lambda s: PaymentLink.objects.filter(invoice__in=s.items, checkouts=None),
        counts=False,
    ),
    PersonalData(_("QR codes"), DELETED, lambda s: QrCode.objects.filter(item__in=s.items), counts=False),
    PersonalData(
        _("invoices"),
        _("keep their number"),
        lambda s: Item._base_manager.filter(pk__in=[pk for pk in s.items if pk in with_issued_papers(s.items)]),
        cleared={"title": "—", "search_key": ""},
        each=_named_after_paper,
        counts=False,
    ),
):
    slots.personal_data.register(data)


class IssuedPapers(PersonalData):
    """Only counted: they stay."""

    def erase(self, subject: Subject) -> tuple[int, list[tuple[Any, str]]]:
        return self.rows(subject).count(), []


_STAY = _("stay unchanged for the legal period, closed to all but those who keep the books, then they are erased")
slots.personal_data.register(IssuedPapers(_("issued papers"), _STAY, lambda s: issued(s.items)))
slots.personal_data.register(IssuedPapers(_("payments"), _STAY, lambda s: Payment.objects.filter(invoice__in=s.items)))


# ---------------------------------------------------------------------- after the legal period


def erase_expired(job: Any) -> None:
    """Papers whose legal period is over are emptied, with the lines and payments of their cards."""
    over = Document.objects.filter(closed_until__lt=today()).exclude(html="", file="")
    for document in over.order_by("pk")[:200]:
        files = [(kept.storage, kept.name) for name in FILES if (kept := getattr(document, name))]
        Document.objects.filter(pk=document.pk).update(**EMPTY_PAPER)
        LineItem.objects.filter(item=document.item_id).update(name="—")
        Payment.objects.filter(invoice=document.item_id).update(reference="")
        StatementLine.objects.filter(invoice=document.item_id).update(payer="", text="")
        CreditNote.objects.filter(document=document.pk).update(reason="")
        Checkout.objects.filter(invoice=document.item_id).update(url="", error="")
        transaction.on_commit(partial(remove, files))


register_kind(JobKind("erase_expired_papers", erase_expired))
every("erase_expired_papers", timedelta(hours=24))
