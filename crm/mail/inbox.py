"""A mail that came in: to its card by thread, else by address; a server's report to the mail it speaks of."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import validate_email
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from crm import databases, files, sending
from crm.events import record
from crm.mail.reading import Incoming, Report
from crm.models import Attachment, Cause, Channel, Contact, ContactEmail, Event, Item, Message, Pipeline
from crm.models.notifications import notify
from crm.receiving import item_of, keep

SHOWN = 500  # characters of a mail on the timeline; the whole stands in the outbox


def received_mail(channel: Channel, mail: Incoming, strangers: Pipeline | None = None) -> Message | None:
    """Keep a mail; None for one that is known, that we sent ourselves, or that only reports on another.

    Args:
        strangers: where mails of unknown people become cards; None: they stay without one.
    """
    if mail.report is not None:
        report = mail.report
        databases.persistently(lambda: reported(channel, report))
        return None
    if not mail.sender or Channel.objects.filter(sender__icontains=mail.sender).exists():
        return None  # a circle of our own, or nobody
    return databases.persistently(lambda: _received(channel, mail, strangers))


def _received(channel: Channel, mail: Incoming, strangers: Pipeline | None) -> Message | None:
    key = f"email.received:{channel.pk}:{mail.key}"
    if Event.objects.filter(key=key).exists():
        return None
    item, contact, answered = _whose(channel, mail)
    if item is None and contact is None and strangers is not None and not mail.automatic:
        item, contact = _new_card(mail, strangers)
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
    contact = Contact.objects.reached_by(email=mail.sender).first()
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
    contact = Contact.objects.create(name=mail.name or mail.sender)
    contact.add_email(mail.sender)
    title = mail.subject or _("E-mail from %s") % contact.name
    item = Item.create(
        pipeline, title[:200], cause=Cause("form", "", label=_("e-mail")), contact=contact, source=_("e-mail")
    )
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
    if report.recipient and report.recipient != message.to.lower():
        return
    if report.kind == "complained":
        complained(message)
    elif report.permanent:
        bounced(message, report.words)


def bounced(message: Message, words: str) -> None:
    """Its server refused it for good: the message failed, and its address is used no more."""
    sending.reported(message, "failed", "", _("The mail came back: %s") % words[:300])
    address = Q(address=message.to.lower())
    if message.contact_id and ContactEmail.objects.filter(address, contact=message.contact_id, bounced="").update(
        bounced=words[:300] or "?"
    ):
        _tell_owner(message, _("Mail to %s comes back; please ask for another address.") % message.to)


def complained(message: Message) -> None:
    """Its reader called it spam: no e-mail any more."""
    contact = message.contact
    if contact is None or not Contact.objects.filter(pk=contact.pk, no_email=False).update(no_email=True):
        return
    payload = {"message": message.pk, "subject": message.subject, "customer": contact.name}
    record("email.complained", item=message.item, contact=contact, payload=payload)
    _tell_owner(message, _("%s called our mail spam and gets none any more.") % contact.name)


def _tell_owner(message: Message, text: str) -> None:
    item = message.item
    if item is not None and item.owner is not None:
        notify([item.owner], text, item=item, kind="message")
