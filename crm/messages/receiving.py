"""What customers send us: kept once, bound to a card, told to its owner; STOP is obeyed at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q

from crm.events.notice import notify
from crm.events.record import record
from crm.ground import clock, databases, phones
from crm.ground.folding import fold
from crm.ground.sentences import said
from crm.items.models.items import Item
from crm.items.models.proxies import Invoice
from crm.messages.models.messages import Channel, Conversation, Medium, Message
from crm.messages.models.refusals import Refusal
from crm.people.exceptions import SenderException
from crm.people.models import Contact
from crm.people.reach import ContactPhone

# The words of the carriers' rules, and those of our languages; the whole message, case and marks ignored.
STOP = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "arret", "rezygnuje", "wypisz", "huy", "tu choi"}
START = {"start", "unstop"}
THREAD = timedelta(days=30)
MOST = 5000  # characters kept of an SMS


def received_sms(channel: Channel, provider_id: str, sender: str, text: str) -> Message | None:
    """An SMS of a customer; None for one that is known already.

    Args:
        sender: the number as the provider gives it (E.164).
    """
    return databases.persistently(lambda: _received(channel, provider_id, sender, text.replace("\0", "")[:MOST]))


def _received(channel: Channel, provider_id: str, sender: str, text: str) -> Message | None:
    if SenderException.objects.turns_away(numbers=[sender]):
        if fold(text).strip(" .!") in STOP:  # it stays obeyed, whoever says it
            Refusal.keep(Medium.SMS, sender, Refusal.Reason.STOP)
        return None
    contact = Contact.objects.answering(sender)
    ContactPhone.objects.filter(number=sender, is_from_form=True).update(is_from_form=False)  # somebody is there
    word = fold(text).strip(" .!")
    wish = "stop" if word in STOP else "start" if word in START else ""
    item = item_of(channel, contact) if contact is not None else None
    payload = {"from": sender, "text": text[:500], "wish": wish, "channel": channel.pk}
    payload["customer"] = contact.name if contact else phones.display(sender)
    payload["also"] = Contact.objects.sharing(sender, contact)
    event = record("sms.received", item=item, contact=contact, payload=payload, key=f"sms.received:{provider_id}")
    if event is None:
        return None
    message = keep(channel, contact, item, to=sender, text=text, provider_id=provider_id)
    if wish == "stop":
        Refusal.keep(Medium.SMS, sender, Refusal.Reason.STOP, message=message)
    elif wish == "start":
        # What carriers mean by it: it takes back the STOP, no other refusal and no wish told to one of us.
        for refusal in Refusal.objects.standing().filter(medium=Medium.SMS, address=sender, reason=Refusal.Reason.STOP):
            refusal.lift("START")
    if item is not None and item.owner is not None:
        words = {"name": payload["customer"], "text": text[:200]}
        notify([item.owner], said("notice.sms", "SMS from %(name)s: %(text)s") % words, item=item, kind="message")
    return message


def keep(channel: Channel, contact: Contact | None, item: Item | None, **fields: Any) -> Message:
    """The row of a message that came in, unread in its conversation. `fields`: further columns; `to` is who sent it."""
    conversation = None
    if contact is not None:
        conversation, _made = Conversation.objects.get_or_create(contact=contact, channel=channel)
        conversation.unread, conversation.last_message_at = conversation.unread + 1, clock.now()
        conversation.save(update_fields=["unread", "last_message_at"])
    return Message.objects.create(
        direction=Message.Direction.IN,
        status=Message.Status.DELIVERED,
        channel=channel,
        conversation=conversation,
        contact=contact,
        item=item,
        sent_at=clock.now(),
        **fields,
    )


def item_of(channel: Channel, contact: Contact) -> Item | None:
    """The card that we last wrote from, while it is open; else the customer's newest open one.

    Invoices come after all others: what is about one answers a mail of it. Cards of people who do not see the customer
    get nothing by the address: whoever types it would read the customer's mails.
    """
    since = clock.now() - THREAD
    ours = Message.objects.filter(channel=channel, contact=contact, direction=Message.Direction.OUT)
    recent = ours.filter(created_at__gt=since, item__isnull=False).order_by("-pk")
    open_ = Item.objects.open().filter(contact=contact, hides_customer=False).select_related("owner")
    invoices = Q(item_type__key=Invoice.type_key)
    for cards in (open_.exclude(invoices), open_.filter(invoices)):
        last = recent.filter(item__in=cards).values_list("item", flat=True).first()
        found = cards.filter(pk=last or 0).first() or cards.order_by("-created_at").first()
        if found is not None:
            return found
    return None
