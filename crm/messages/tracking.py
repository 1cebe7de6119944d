"""What a customer does with a mail: opens it, follows a link. Our own people, scanners and proxies are told apart."""

from __future__ import annotations

import re
from datetime import timedelta
from html import escape, unescape
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db.models import F
from django.db.models.functions import Coalesce
from django.urls import reverse

from crm.events.models import Event
from crm.events.notice import notify
from crm.events.record import record
from crm.ground import clock
from crm.ground.ids import id_of
from crm.ground.sentences import said
from crm.messages.models.messages import Medium, Message, MessageLink
from crm.messages.models.refusals import Refusal
from crm.work.models import Job
from crm.work.queue import Kind, register_kind

# Nobody reads so soon: what comes within it was a scanner on the way.
SOON = timedelta(seconds=5)
# All links of a mail within this were one program's.
TOGETHER = timedelta(seconds=5)
CONFIRM = timedelta(seconds=6)
REMEMBER = 600  # seconds a process knows that an open or click has been told
LINK = re.compile(r'(<a\b[^>]*?\bhref=")(https?://[^"]+)(")', re.IGNORECASE)
MOST_LINKS = 100


def outgoing_html(message: Message) -> str:
    """A mail's HTML as it leaves: links lead through us, and a picture of one point tells that it was opened.

    Only mails to customers, through channels that track. What is kept with the message stays untouched, so that
    colleagues who read it in the outbox leave no trace.
    """
    if not (message.html and message.contact_id and message.channel.track):
        return message.html
    links: list[str] = []

    def through_us(found: re.Match[str]) -> str:
        url = unescape(found[2])
        if len(links) >= MOST_LINKS or len(url) > 2000:
            return found[0]
        links.append(url)
        return f"{found[1]}{escape(_address('mail-link', message, len(links)))}{found[3]}"

    html = LINK.sub(through_us, message.html)
    # Sent again after a failure, the places and addresses are the same.
    MessageLink.objects.bulk_create(
        [MessageLink(message=message, place=place, url=url) for place, url in enumerate(links, 1)],
        ignore_conflicts=True,
    )
    pixel = f'<img src="{escape(_address("mail-open", message))}" width="1" height="1" alt="">'
    head, end, tail = html.rpartition("</body>")
    return f"{head}{pixel}{end}{tail}" if end else html + pixel


def try_out(message: Message, what: str) -> bool:
    """What the customer would do with a mail that never left (the demo's outbox), done by a colleague on purpose.

    Args:
        what: "open", or the place of a link, from 1.
    Returns False for what cannot be tried.
    """
    if message.direction != Message.Direction.OUT or message.sent_at is None or not message.contact_id:
        return False
    payload: dict[str, Any] = {"message": message.pk, "to": message.to, "subject": message.subject}
    payload["customer"] = message.contact.name if message.contact else ""
    if what == "open":
        now = clock.now()
        rows = Message.objects.filter(pk=message.pk)
        rows.update(opens=F("opens") + 1, opened_at=Coalesce("opened_at", now))
        key = f"email.opened:{message.pk}"
        record("email.opened", item=message.item, contact=message.contact, payload=payload | {"proxy": False}, key=key)
        return True
    outgoing_html(message)  # its links become rows, as they would when it leaves
    place = id_of(what)
    link = message.links.filter(place=place).first() if place is not None and place < 1000 else None
    if link is None:
        return False
    MessageLink.objects.filter(pk=link.pk).update(clicks=F("clicks") + 1, clicked_at=clock.now())
    key = f"email.clicked:{link.pk}"
    record("email.clicked", item=message.item, contact=message.contact, payload=payload | {"url": link.url}, key=key)
    return True


def links_of(message: Message) -> list[str]:
    """Where the links of a mail lead, by their places."""
    return [unescape(found[2]) for found in LINK.finditer(message.html)][:MOST_LINKS]


def unsubscribe_headers(message: Message) -> dict[str, str]:
    """RFC 8058: what a rule sends to a customer can be refused for the future by one click of the mail program."""
    if not (message.contact_id and message.is_automatic):
        return {}
    return {
        "List-Unsubscribe": f"<{_address('mail-unsubscribe', message)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def unsubscribed(message: Message) -> None:
    """The address wants no e-mail any more; told once on the card and to its owner."""
    if not Refusal.keep(Medium.EMAIL, message.to, Refusal.Reason.UNSUBSCRIBED, message=message):
        return
    contact = message.contact
    name = contact.name if contact else message.to
    payload = {"message": message.pk, "subject": message.subject, "customer": name, "to": message.to}
    record("email.unsubscribed", item=message.item, contact=contact, payload=payload)
    owner = message.item.owner if message.item is not None else None
    if owner is not None:
        text = said("notice.unsubscribed", "%s wants no e-mail any more.") % name
        notify([owner], text, item=message.item, kind="message")


def _address(name: str, message: Message, *place: int) -> str:
    return str(settings.LINK_URL) + reverse(name, args=[message.public_id, *place])


def too_soon(message: Message) -> bool:
    return message.sent_at is None or clock.now() - message.sent_at < SOON


def opened(public_id: Any, proxy: bool) -> None:
    """Somebody saw the picture. The first time is an event; a proxy's fetch and a person's are two."""
    now = clock.now()
    rows = Message.objects.filter(public_id=public_id, sent_at__lt=now - SOON)
    if not rows.update(opens=F("opens") + 1, opened_at=Coalesce("opened_at", now)):
        return
    known = f"mail-opened:{public_id}:{proxy}"
    if caches["near"].get(known):
        return  # most opens are not the first
    message = rows.select_related("item", "contact").get()
    payload = {"message": message.pk, "to": message.to, "subject": message.subject, "proxy": proxy}
    payload["customer"] = message.contact.name if message.contact else ""
    key = f"email.opened:{message.pk}{':proxy' if proxy else ''}"
    if not Event.objects.filter(key=key).exists():
        record("email.opened", item=message.item, contact=message.contact, payload=payload, key=key)
    caches["near"].set(known, 1, REMEMBER)


def clicked(link: MessageLink) -> None:
    """Somebody followed the link; it counts once it is clear that not all links were followed together."""
    if too_soon(link.message):
        return
    now, before = clock.now(), link.clicked_at
    MessageLink.objects.filter(pk=link.pk).update(clicks=F("clicks") + 1, clicked_at=now)
    if before is not None and now - before < CONFIRM:
        return  # the job of the click just before looks at this one too
    known = f"mail-clicked:{link.pk}"
    if caches["near"].get(known):
        return
    if Event.objects.filter(key=f"email.clicked:{link.pk}").exists():
        caches["near"].set(known, 1, REMEMBER)
        return
    payload = {"link": link.pk}
    Job.plan("confirm_click", f"click:{link.pk}:{now.timestamp():.0f}", due_at=now + CONFIRM, payload=payload)


def _confirm(job: Any) -> None:
    link = (
        MessageLink.objects.select_related("message__item", "message__contact").filter(pk=job.payload["link"]).first()
    )
    if link is None or link.clicked_at is None:
        return
    times = list(link.message.links.values_list("clicked_at", flat=True))
    if len(times) > 1 and all(at is not None and abs(at - link.clicked_at) <= TOGETHER for at in times):
        return  # every link at once: a scanner
    message = link.message
    payload = {"message": message.pk, "to": message.to, "subject": message.subject, "url": link.url}
    payload["customer"] = message.contact.name if message.contact else ""
    key = f"email.clicked:{link.pk}"
    record("email.clicked", item=message.item, contact=message.contact, payload=payload, key=key)


register_kind(Kind("confirm_click", _confirm, passing=True))
