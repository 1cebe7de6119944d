"""A mail that came in: to its card by thread, else by address; a server's report to the mail it speaks of."""

from __future__ import annotations

import hashlib
from email.utils import parseaddr
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import override

from crm import slots
from crm.company.models import OwnCompany
from crm.events.models import Cause, Event
from crm.events.notice import notify
from crm.events.record import record
from crm.ground import databases, file_kinds
from crm.ground.addresses import one_spelling
from crm.ground.refused import Refused
from crm.ground.sentences import everywhere, in_payload, said
from crm.items.customers import Found
from crm.items.models.items import Item
from crm.messages import delivery, inviting
from crm.messages.mail import senders
from crm.messages.mail.reading import Incoming
from crm.messages.mail.reports import Report
from crm.messages.mail.senders import Letter
from crm.messages.models.files import Attachment, RawMail
from crm.messages.models.messages import Channel, Medium, Message
from crm.messages.models.refusals import Refusal
from crm.messages.receiving import item_of, keep
from crm.people.exceptions import SenderException
from crm.people.models import Contact, User, administrators
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.pipelines.models import Pipeline

INBOX_LOCK = 4222  # the advisory lock under which mails are taken in
SHOWN = 500  # characters of a mail on the timeline; the whole stands in the outbox


def languages() -> list[str]:
    """In which customers write here: the company's, then those of its forms."""
    own = OwnCompany.first()
    return list(
        dict.fromkeys([*([own.language] if own else []), *(code for spoken in slots.languages for code in spoken())])
    )


def received_mail(channel: Channel, mail: Incoming) -> Message | None:
    """Keep a mail; None for one that is known, that we sent ourselves, or that only reports on another."""
    if mail.report is not None:
        report = mail.report
        databases.persistently(lambda: reported(channel, report))
        return None
    letter = senders.letter(channel, mail)
    if letter is None:
        return None
    if not letter.is_colleagues and SenderException.objects.turns_away(emails=[letter.mail.sender]):
        return None
    return databases.persistently(lambda: _received(channel, letter))


def _received(channel: Channel, letter: Letter) -> Message | None:
    # One mail at a time: a service repeats its call while the first one is still at work.
    databases.advisory_lock(INBOX_LOCK)
    mail, colleague = letter.mail, letter.colleague
    key = f"email.received:{mail.key}"
    known = Event.objects.filter(key=key).first()
    if known is not None or _came_before(channel, mail):
        if known is not None:
            _came_through(known, channel)
        return None
    item, contact, answered = _whose(channel, letter)
    # Whoever signs as a colleague writes on no card that the colleague could not change.
    is_barred = item is not None and colleague is not None and not _may_write(colleague, item)
    is_question = not is_barred and _is_question(letter, contact)
    if is_barred:
        item = contact = None
    if item is None and is_question and _makes_card(channel, contact):
        item, contact = _new_card(mail, channel.strangers, contact)
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
        author=colleague,
    )
    RawMail.keep(message, mail.raw)
    if mail.reply is not None and not letter.doubtful:
        inviting.answered(mail.reply, mail.sender)
    kept, refused = _keep_files(mail, message, item)
    payload = _payload(channel, letter, message) | {"files": kept, "refused": refused}
    actor = colleague if letter.is_colleagues else None
    event = record("email.received", item=item, contact=contact, actor=actor, payload=payload, key=key)
    if event is not None and kept:
        Attachment.objects.filter(message=message).update(event=event)
    if is_question or letter.is_colleagues:
        _tell(channel, message, payload)
    return message


def _is_question(letter: Letter, contact: Contact | None) -> bool:
    """Somebody waits for an answer. Whom one can unsubscribe from wrote to many: a stranger's mail of the kind is none."""
    mail = letter.mail
    if mail.automatic or mail.is_list or letter.is_colleagues:
        return False
    return contact is not None or not mail.is_bulk


def _payload(channel: Channel, letter: Letter, message: Message) -> dict[str, Any]:
    """What the event keeps; empty entries are left out."""
    mail, contact, colleague = letter.mail, message.contact, letter.colleague
    notes: list[Any] = []
    if letter.doubtful:
        notes.append(lazy("The server that took it in says that the sender is forged."))
    if mail.plainly:
        notes.append(lazy("Only its plain text could be read; the rest is in the mail as it came."))
    if mail.cut:
        notes.append(lazy("The mail is too large; only its beginning was taken over, its files stay in the mailbox."))
    further = {
        "forwarded_by": colleague.name if colleague and letter.passed_on else "",
        "colleague": colleague.name if colleague and not letter.passed_on else "",
        "comment": letter.comment[:SHOWN],
        "through": letter.through,
        "invitation": mail.invitation,
    }
    if notes:
        further |= in_payload("note", everywhere("mail.note", lambda: " ".join(map(str, notes))))
    return {
        "message": message.pk,
        "from": mail.sender,
        "customer": contact.name if contact and _is_theirs(contact, mail.sender) else mail.name or mail.sender,
        "subject": mail.subject,
        "text": mail.text[:SHOWN],
        "automatic": mail.automatic or mail.is_list,
        "channel": channel.pk,
        "channels": _channels_of(channel, mail),
    } | {name: value for name, value in further.items() if value}


def _may_write(colleague: User, item: Item) -> bool:
    return rights.allows(colleague, machine_of(item.pipeline_id), "edit", item)


def _is_theirs(contact: Contact, address: str) -> bool:
    """In a thread others may write too; their words are not the customer's."""
    return contact.emails.filter(address=address).exists()


def _came_before(channel: Channel, mail: Incoming) -> bool:
    """Taken in before a mail was known by its sender and date as well."""
    old = hashlib.sha256(mail.message_id.encode()).hexdigest()[:40]
    if not mail.message_id:
        return False
    earlier = Event.objects.filter(key=f"email.received:{channel.pk}:{old}").first()
    return earlier is not None and (earlier.data("from"), earlier.data("subject")) == (mail.sender, mail.subject)


def _channels_of(channel: Channel, mail: Incoming) -> list[int]:
    """This one first, then others of ours that the mail says it went to as well: they will bring it once more."""
    others = [
        other.pk
        for other in Channel.objects.filter(medium=Medium.EMAIL).exclude(pk=channel.pk).order_by("pk")
        if one_spelling(parseaddr(other.sender)[1]) in mail.reached
        or other.mailboxes.filter(user__in=mail.reached).exists()
    ]
    return [channel.pk, *others]


def _came_through(event: Event, channel: Channel) -> None:
    """The same mail by another channel: one message, one event; the channel is named on it."""
    channels = event.data("channels") or [event.data("channel")]
    if channel.pk not in channels:
        payload = {**event.payload, "channels": [*channels, channel.pk]}
        Event.objects.filter(pk=event.pk).update(payload=payload)


def _whose(channel: Channel, letter: Letter) -> tuple[Item | None, Contact | None, Message | None]:
    """Its card, its customer, and the mail of ours that it answers."""
    mail = letter.mail
    by_colleague = letter.is_colleagues
    contact = None
    if mail.sender and not by_colleague:
        contact = Contact.objects.recognised(name=mail.name or "", email=mail.sender)
    answered = Message.known_thread(mail.thread) if by_colleague else Message.in_thread(mail.thread)
    if answered is not None:
        item = Item.objects.alive().select_related("owner").filter(pk=answered.item_id or 0).first()
        contact = contact or answered.contact
        if item is not None:
            return item, contact, answered
    if by_colleague and contact is None:
        # A colleague who writes to a customer lets us know by a copy.
        contact = Contact.objects.filter(emails__address__in=mail.reached).order_by("pk").first()
    return (item_of(channel, contact) if contact is not None else None), contact, answered


def _makes_card(channel: Channel, contact: Contact | None) -> bool:
    """A stranger's mail, or one of a customer who has no open card any more."""
    if channel.strangers is None:
        return False
    return contact is None or channel.known_customers == Channel.KnownCustomers.CARD


def _new_card(mail: Incoming, pipeline: Pipeline | None, contact: Contact | None) -> tuple[Item | None, Contact | None]:
    try:
        validate_email(mail.sender)
    except ValidationError:
        return None, contact
    assert pipeline is not None
    found = Found(contact or Contact.objects.create(name=(mail.name or mail.sender)[:200]), is_made=contact is None)
    found.contact.add_email(mail.sender)
    own = OwnCompany.first()
    with override(own.language if own else "en"):  # nobody reads along: what the card is called is the company's
        title, source = mail.subject or _("E-mail from %s") % found.contact.name, _("e-mail")
    cause = Cause("mail", label=mail.sender[:120])
    try:
        item = Item.create(pipeline, title[:200], cause=cause, contact=found.contact, source=source)
    except Refused:
        return None, found.contact  # the pipeline was changed; the mail is kept all the same
    found.settle(item)
    return Item.objects.select_related("owner").get(pk=item.pk), found.contact


def _tell(channel: Channel, message: Message, payload: dict[str, Any]) -> None:
    """The bell of whoever should read it: the card's owner, else the customer's, else an administrator. Never nobody."""
    item, contact, colleague = message.item, message.contact, message.author
    owners = [item.owner if item is not None else None, contact.owner if contact is not None else None]
    first = next((owner for owner in owners if owner is not None and owner.is_active), None)
    for person in [first] if first is not None else administrators():
        if person == colleague:
            continue  # who wrote it knows it
        words = {"name": payload["customer"] or lazy("nobody"), "subject": payload["subject"] or payload["text"][:80]}
        if item is not None:
            told = said("notice.email", "E-mail from %(name)s: %(subject)s") % words
            notify([person], told, item=item, kind="message")
        else:
            told = said("notice.email_loose", "E-mail from %(name)s that belongs to no card: %(subject)s") % words
            notify([person], told, kind="message", group=f"loose:{channel.pk}:{contact.pk if contact else 0}")


def _keep_files(mail: Incoming, message: Message, item: Item | None) -> tuple[list[dict[str, Any]], list[str]]:
    """(kept as the timeline shows them, names of those that are not taken in)."""
    kept: list[dict[str, Any]] = []
    refused: list[str] = []
    for file in mail.files:
        content = ContentFile(file.content, name=file.name)
        try:
            if len(kept) >= file_kinds.MOST_FILES:
                raise ValidationError("")
            name, kind = file_kinds.checked(content)
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
    delivery.reported(message, "failed", "", said("mail.came_back", "The mail came back: %s") % words[:300])
    if Refusal.keep(Medium.EMAIL, message.to, Refusal.Reason.BOUNCED, message=message, words=words):
        _tell_owner(
            message, said("notice.bounced", "Mail to %s comes back; please ask for another address.") % message.to
        )


def complained(message: Message) -> None:
    """Its reader called it spam: the address gets no e-mail any more."""
    if not Refusal.keep(Medium.EMAIL, message.to, Refusal.Reason.COMPLAINED, message=message):
        return
    contact = message.contact
    name = contact.name if contact else message.to
    payload = {"message": message.pk, "subject": message.subject, "customer": name, "to": message.to}
    record("email.complained", item=message.item, contact=contact, payload=payload)
    _tell_owner(message, said("notice.complained", "%s called our mail spam and gets none any more.") % name)


def _tell_owner(message: Message, text: str) -> None:
    item = message.item
    if item is not None and item.owner is not None:
        notify([item.owner], text, item=item, kind="message")


def unreadable(channel: Channel, raw: bytes, mark: str) -> None:
    """A mail that nothing can be told of is kept as it came, among those without a card; administrators hear of it.

    Args:
        mark: what the server calls it; told once.
    """

    def work() -> None:
        key = f"email.unreadable:{channel.pk}:{mark}"[:120]
        words = said("notice.mail_unreadable", "A mail that came in through “%(channel)s” cannot be read (%(mark)s).")
        text = words % {"channel": channel.name, "mark": mark}
        if record("email.unreadable", payload={"channel": channel.pk, "size": len(raw), "mark": mark}, key=key):
            message = keep(channel, None, None, to="", subject="", text=text)
            RawMail.keep(message, raw)
            notify(administrators(), text, kind="message")

    databases.persistently(work)
