"""A mail that came in: to its card by thread, else by address; a server's report to the mail it speaks of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.utils import parseaddr
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import override

from crm import databases, delivery, files
from crm.addresses import one_spelling
from crm.customers import Found
from crm.events import record
from crm.mail.reading import Incoming, Report
from crm.models import (
    Attachment,
    Cause,
    Channel,
    Contact,
    Event,
    Item,
    Medium,
    Message,
    Pipeline,
    Refusal,
    Refused,
)
from crm.models.notifications import notify
from crm.models.people import administrators
from crm.receiving import item_of, keep

INBOX_LOCK = 4222  # the advisory lock under which mails are taken in
SHOWN = 500  # characters of a mail on the timeline; the whole stands in the outbox


def received_mail(channel: Channel, mail: Incoming) -> Message | None:
    """Keep a mail; None for one that is known, that we sent ourselves, or that only reports on another."""
    if mail.report is not None:
        report = mail.report
        databases.persistently(lambda: reported(channel, report))
        return None
    if _is_ours(mail.sender) and mail.answer_to and not _is_ours(mail.answer_to):
        # A form of a web site sends in our name, and says whom to answer.
        mail = replace(mail, sender=mail.answer_to, name="")
    if not mail.sender or _is_ours(mail.sender):
        return None  # a circle of our own, or nobody
    return databases.persistently(lambda: _received(channel, mail))


def _is_ours(address: str) -> bool:
    senders = Channel.objects.filter(medium=Medium.EMAIL).values_list("sender", flat=True)
    return bool(address) and any(one_spelling(parseaddr(sender)[1]) == address for sender in senders)


def _received(channel: Channel, mail: Incoming) -> Message | None:
    # One mail at a time: a service repeats its call while the first one is still at work.
    databases.advisory_lock(INBOX_LOCK)
    key = f"email.received:{channel.pk}:{mail.key}"
    if Event.objects.filter(key=key).exists():
        return None
    item, contact, answered = _whose(channel, mail)
    if item is None and contact is None and channel.strangers is not None and not mail.automatic:
        item, contact = _new_card(mail, channel.strangers)
    message = keep(
        channel,
        contact,
        item,
        to=mail.sender,
        subject=mail.subject,
        text=mail.whole,
        html=mail.html,
        provider_id=mail.key,
        mail_id=mail.message_id[:420],
        answers=answered,
    )
    kept, refused = _keep_files(mail, message, item)
    payload: dict[str, Any] = {
        "message": message.pk,
        "from": mail.sender,
        "customer": contact.name if contact else mail.name or mail.sender,
        "subject": mail.subject,
        "text": mail.text[:SHOWN],
        "automatic": mail.automatic,
        "channel": channel.pk,
        "files": kept,
        "refused": refused,
    }
    if mail.cut:
        payload["note"] = _("The mail is too large; only its beginning was taken over, its files stay in the mailbox.")
    event = record("email.received", item=item, contact=contact, payload=payload, key=key)
    if event is not None and kept:
        Attachment.objects.filter(message=message).update(event=event)
    if item is not None and item.owner is not None and not mail.automatic:
        with override(item.owner.language):
            words = {"name": payload["customer"], "subject": mail.subject or mail.text[:80]}
            notify([item.owner], _("E-mail from %(name)s: %(subject)s") % words, item=item, kind="message")
    return message


def _whose(channel: Channel, mail: Incoming) -> tuple[Item | None, Contact | None, Message | None]:
    """Its card, its customer, and the mail of ours that it answers."""
    contact = Contact.objects.recognised(name=mail.name or "", email=mail.sender)
    answered = Message.in_thread(mail.thread)
    if answered is not None:
        item = Item.objects.alive().select_related("owner").filter(pk=answered.item_id or 0).first()
        contact = contact or answered.contact
        if item is not None:
            return item, contact, answered
    return (item_of(channel, contact) if contact is not None else None), contact, answered


def _new_card(mail: Incoming, pipeline: Pipeline) -> tuple[Item | None, Contact | None]:
    try:
        validate_email(mail.sender)
    except ValidationError:
        return None, None
    contact = Contact.objects.create(name=(mail.name or mail.sender)[:200])
    contact.add_email(mail.sender)
    title = mail.subject or _("E-mail from %s") % contact.name
    cause = Cause("mail", label=mail.sender[:120])
    try:
        item = Item.create(pipeline, title[:200], cause=cause, contact=contact, source=_("e-mail"))
    except Refused:
        return None, contact  # the pipeline was changed; the mail is kept all the same
    Found(contact, is_made=True).settle(item)
    return Item.objects.select_related("owner").get(pk=item.pk), contact


def _keep_files(mail: Incoming, message: Message, item: Item | None) -> tuple[list[dict[str, Any]], list[str]]:
    """(kept as the timeline shows them, names of those that are not taken in)."""
    kept: list[dict[str, Any]] = []
    refused: list[str] = []
    for file in mail.files:
        content = ContentFile(file.content, name=file.name)
        try:
            if len(kept) >= files.MOST_FILES:
                raise ValidationError("")
            name, kind = files.checked(content)
        except ValidationError:
            refused.append(file.name[:100])
            continue
        row = Attachment.objects.create(
            item=item, message=message, file=content, name=name, kind=kind, size=len(file.content)
        )
        kept.append({"id": row.pk, "name": name, "size": row.size})
    return kept, refused[:20]


# ---------------------------------------------------------------------- what servers tell of our mails


def reported(channel: Channel, report: Report) -> None:
    """A mail of ours came back, or its reader complained. Believed only of a mail that we sent to that address."""
    message = Message.in_thread([report.about]) if report.about else None
    if message is None or message.direction != Message.Direction.OUT:
        return
    # Complaints often leave the reader out; then our mark in the id has to stand for it.
    if report.recipient != one_spelling(message.to) and (report.recipient or Message.marked(report.about) is None):
        return
    if report.kind == "complained":
        complained(message)
    elif report.permanent:
        bounced(message, report.words)


def bounced(message: Message, words: str) -> None:
    """Its server refused it for good: the message failed, and its address is used no more."""
    delivery.reported(message, "failed", "", _("The mail came back: %s") % words[:300])
    if Refusal.keep(Medium.EMAIL, message.to, Refusal.Reason.BOUNCED, message=message, words=words):
        _tell_owner(message, lambda: _("Mail to %s comes back; please ask for another address.") % message.to)


def complained(message: Message) -> None:
    """Its reader called it spam: the address gets no e-mail any more."""
    if not Refusal.keep(Medium.EMAIL, message.to, Refusal.Reason.COMPLAINED, message=message):
        return
    contact = message.contact
    name = contact.name if contact else message.to
    payload = {"message": message.pk, "subject": message.subject, "customer": name, "to": message.to}
    record("email.complained", item=message.item, contact=contact, payload=payload)
    _tell_owner(message, lambda: _("%s called our mail spam and gets none any more.") % name)


def _tell_owner(message: Message, text: Callable[[], str]) -> None:
    """In the owner's language, whoever's call brought the news."""
    item = message.item
    if item is not None and item.owner is not None:
        with override(item.owner.language):
            notify([item.owner], text(), item=item, kind="message")


def unreadable(channel: Channel, raw: bytes, mark: str) -> None:
    """A mail that nothing can be told of is kept as a note for administrators; nothing is lost without a word.

    Args:
        mark: what the server calls it; told once.
    """

    def work() -> None:
        key = f"email.unreadable:{channel.pk}:{mark}"[:120]
        words = _("A mail that came in through “%(channel)s” cannot be read (%(mark)s).")
        if record("email.unreadable", payload={"channel": channel.pk, "size": len(raw), "mark": mark}, key=key):
            notify(administrators(), words % {"channel": channel.name, "mark": mark}, kind="message")

    databases.persistently(work)
