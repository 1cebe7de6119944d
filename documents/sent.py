"""When a paper is *sent*: once a message that carries it has left, never when it was drawn.

A message carries a paper if its file is attached or its address stands in the text; that is kept as rows when the
message is written. *Left* is: handed to the provider. A message of which nobody knows (`unknown`) has not left until
somebody settles it. A customer who opens the paper has got it; a colleague who hands it over says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from crm import slots
from crm.events.notice import notify
from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.addresses import one_spelling
from crm.ground.sentences import Sentence, said
from crm.models import Cause, Event, Item, Job, Message, User
from crm.people.models import administrators
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.work.queue import Kind, every, register_kind
from documents.models import CarriedPaper, Document, DocumentLink, InvoiceFlow
from documents.models import templates as papers
from documents.models.invoicing import today

NEVER_SENT = said("invoice.never_sent", "Due, never sent")
KIND = "paper_sent"
REMIND = "unsent_invoices"
# An invoice that nobody sent is told of after a day. One that was passed over by more than that is old news.
AFTER = timedelta(days=1)
OLD_NEWS = timedelta(days=14)
SLICE = 200


@slots.message_written.register
def keep_carried(message: Message, keys: Iterable[str]) -> None:
    """Remember which papers the message takes along: the keys of its files ("document:12"), the addresses in it.

    A mail to one of ours takes nothing to the customer; a closed address opens nothing; and nobody who may not change its
    card sends a paper by pasting its address, nor to anybody but its customer.
    """
    if message.is_necessary or User.objects.filter(is_active=True, email=one_spelling(message.to)).exists():
        return
    ids = {int(key.removeprefix("document:")) for key in keys if key.startswith("document:")}
    tokens = _tokens(f"{message.text}\n{message.html}")
    if tokens:
        links = DocumentLink.objects.filter(hash__in=[DocumentLink.digest(token) for token in tokens])
        ids |= {row.document_id for row in links if row.is_valid()}
    if message.author is not None and ids:
        rows = Document.objects.visible_to(message.author).filter(pk__in=ids).select_related("item__pipeline")
        ids = {document.pk for document in rows if _may_send(message.author, message, document)}
    CarriedPaper.objects.bulk_create(CarriedPaper(message=message, document_id=pk) for pk in sorted(ids))


def _may_send(author: User, message: Message, document: Document) -> bool:
    card = document.item
    if not rights.allows(author, machine_of(card.pipeline_id), "edit", card):
        return False
    if message.item_id in {pk for pk in (card.pk, card.parent_id) if pk}:
        return True
    written_to = message.contact_id or (message.item.contact_id if message.item else None)
    return written_to is not None and written_to == card.contact_id


def _tokens(text: str) -> set[str]:
    before, after = reverse("document-public", args=["-"]).rsplit("-", 1)
    if settings.PUBLIC_URL + before not in text:
        return set()
    return set(re.findall(re.escape(settings.PUBLIC_URL + before) + r"([\w-]+)" + re.escape(after), text))


@slots.message_left.register
def plan_sent(message: Message) -> None:
    """A message has left. Each paper's own card is locked by its own job: here the message's card is held."""
    for carried in CarriedPaper.objects.filter(message=message).select_related("document"):
        _plan(carried.document, f"message:{message.pk}", message=message.pk)


def plan_opened(document: Document) -> None:
    """The customer has opened it: it has reached them, whichever way."""
    _plan(document, "opened")


def _plan(document: Document, how: str, **payload: Any) -> None:
    if document.sent_at is None:
        # Without the card: a reference to it waits for whoever holds it, and may hold what we wait for.
        Job.plan(
            KIND, f"{KIND}:{document.pk}:{how}", payload=payload | {"document": document.pk}, survives_leaving=True
        )


def plan_drawn(document: Document) -> None:
    """It was drawn after a message with its address had left: now there is something to be seen."""
    gone = (Message.Status.SENT, Message.Status.DELIVERED)
    for carried in CarriedPaper.objects.filter(document=document, message__status__in=gone):
        _plan(document, f"drawn:{carried.message_id}", message=carried.message_id)


def perform(job: Job) -> None:
    document = Document.objects.filter(pk=job.payload["document"]).first()
    if document is None:
        return
    databases.lock(Item.objects.filter(pk=document.item_id)).first()
    message = Message.objects.filter(pk=job.payload.get("message") or 0).select_related("author").first()
    origin = message.origin if message is not None else ""
    depth = message.cause_depth if message is not None else 0
    # A person's own message is their doing; a rule's effects are one deeper than the rule.
    cause = Cause("rule" if origin else "system", origin or job.key, depth)
    count_as_sent(document, shown_as=message.author if message is not None else None, cause=cause)


def count_as_sent(
    document: Document, *, by: User | None = None, shown_as: User | None = None, cause: Cause = Cause()
) -> bool:
    """The paper is sent, and an invoice with it; False if it was before, is void or not drawn. The caller locks the item.

    Args:
        by: whose right to move the invoice counts; None for the system.
    """
    # As it stands under the lock: somebody may have declared it void meanwhile.
    document = Document.objects.select_related("item", "item__parent", "version").get(pk=document.pk)
    if not document.mark_sent():
        return False
    document.tell("document.sent", actor=by or shown_as, cause=cause, key=f"document.sent:{document.pk}")
    InvoiceFlow.paper_changed(document, by, cause)
    return True


# ---------------------------------------------------------------------- invoices that nobody sent


def tell_unsent(job: Any) -> None:
    """Once an hour: whose invoice has lain for a day, or is due, hears of it once each."""
    day, now = today(), clock.now()
    for flow in InvoiceFlow.objects.select_related("pipeline"):
        drafts = Item.objects.alive().filter(pipeline=flow.pipeline, stage=flow.draft_id).select_related("owner")
        lain = drafts.filter(created_at__range=(now - AFTER - OLD_NEWS, now - AFTER), documents__in=_waiting())
        for invoice in _untold(lain.distinct(), "invoice.unsent"):
            _tell(invoice, "invoice.unsent", said("notice.unsent", "“%s” has been ready for a day, and was not sent."))
        due = drafts.filter(due_date__range=(day - OLD_NEWS, day - timedelta(days=1)))
        for invoice in _untold(due, "invoice.unsent_due"):
            _tell(invoice, "invoice.unsent_due", said("notice.unsent_due", "“%s” is due, and was never sent."))


def _untold(rows: Any, kind: str) -> Any:
    return rows.exclude(Exists(Event.objects.filter(item=OuterRef("pk"), kind=kind))).order_by("pk")[:SLICE]


def _waiting() -> Any:
    rows = Document.objects.filter(kind=papers.Kind.INVOICE, sent_at=None)
    return rows.exclude(status__in=(Document.Status.VOID, Document.Status.FAILED)).values("pk")


def _tell(invoice: Item, kind: str, words: Sentence) -> None:
    payload = {"invoice": invoice.pk, "title": invoice.title}
    with transaction.atomic():
        if record(kind, item=invoice, payload=payload, cause=Cause("system"), key=f"{kind}:{invoice.pk}"):
            people = [invoice.owner] if invoice.owner and invoice.owner.is_active else administrators()
            notify(people, words % invoice.title, item=invoice, kind="document", group=f"{kind}:{invoice.pk}")


def is_due_unsent(invoice: Item, flow: InvoiceFlow, day: date) -> bool:
    """Its last day is over, and it stands among the drafts still."""
    return invoice.stage_id == flow.draft_id and invoice.due_date is not None and invoice.due_date < day


@slots.card_badges.register
def badges(items: list[Item]) -> dict[int, list[slots.Badge]]:
    """ "Due, never sent" on the cards of invoices that nobody sent in time."""
    day = today()
    late = [item for item in items if item.due_date is not None and item.due_date < day]
    if not late:
        return {}
    drafts = set(InvoiceFlow.objects.filter(draft__in={item.stage_id for item in late}).values_list("draft", flat=True))
    words = NEVER_SENT.worded()  # it was worded when this module came, for nobody
    return {item.pk: [slots.Badge("send", words, "bad")] for item in late if item.stage_id in drafts}


register_kind(Kind(KIND, perform))
register_kind(Kind(REMIND, tell_unsent, passing=True))
every(REMIND, timedelta(hours=1))
