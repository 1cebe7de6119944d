"""A contact that holds several people becomes two: what was chosen goes to the new one, the rest stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from crm import slots
from crm.events.models import Event
from crm.events.record import record
from crm.ground import databases
from crm.items.models.items import Item
from crm.messages.models.messages import Conversation, Message
from crm.people.models import Contact, User


@dataclass(frozen=True)
class Share:
    """What the new contact gets.

    Args:
        emails, phones: addresses and numbers that go over; `shared`: numbers that both have from now on.
        items: ids of cards of which it becomes the customer.
        messages: ids of single messages.
        talk: all messages with the addresses and numbers that go over, too.
    """

    name: str
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    items: frozenset[int] = frozenset()
    messages: frozenset[int] = frozenset()
    talk: bool = True


class CannotSplit(Exception):
    """The sentence says why."""


def split(contact: Contact, share: Share, *, by: User) -> Contact:
    """Make the new contact and give it its share; returns it.

    Raises CannotSplit where nothing was chosen, Refused where the person may not change one of the cards.
    """
    if not (share.emails or share.phones or share.shared or share.items or share.messages):
        raise CannotSplit(_("Nothing is chosen for the new contact."))
    return databases.persistently(lambda: _split(contact, share, by))


def _split(contact: Contact, share: Share, by: User) -> Contact:
    # Lock order as in merging: cards first.
    items = Item.objects.alive().visible_to(by).filter(pk__in=share.items, contact=contact).order_by("pk")
    locked = list(databases.lock(items))
    databases.lock(Contact.objects.filter(pk=contact.pk)).get()
    made = Contact(name=share.name, language=contact.language, company=contact.company, owner=contact.owner)
    # Whose wish it was nobody knows any more, so it is both's.
    made.no_email, made.no_sms = contact.no_email, contact.no_sms
    made.save()
    made.tags.set(contact.tags.all())
    contact.emails.filter(address__in=share.emails).update(contact=made)
    for phone in contact.phones.filter(number__in=share.shared):
        # Unconfirmed here is unconfirmed there.
        as_here = {"kind": phone.kind, "order": phone.order, "is_new": phone.is_new, "came_with": phone.came_with}
        as_here["is_from_form"] = phone.is_from_form
        as_here |= {"extension": phone.extension, "is_unchecked": phone.is_unchecked}
        made.phones.create(number=phone.number, **as_here)
    contact.phones.filter(number__in=share.phones).update(contact=made)
    for item in locked:
        item.change({"contact": made}, by=by)
        if made not in item.contacts.all():
            item.contacts.remove(contact)
    _take_along(contact, made, [item.pk for item in locked])
    _take_talk(contact, made, share)
    record("contact.split", contact=contact, actor=by, payload={"made": made.pk, "name": made.name})
    record("contact.split", contact=made, actor=by, payload={"from": contact.pk, "name": contact.name})
    return made


def _take_along(contact: Contact, made: Contact, items: list[int]) -> None:
    """What hangs on a card that went over goes along, third parties' rows too; messages are chosen by themselves."""
    for relation in Contact._meta.related_objects:
        model: Any = relation.related_model
        if model in (Item, Message) or relation.many_to_many:
            continue
        names = {f.name for f in model._meta.get_fields()}
        if "item" in names:
            rows = model._base_manager.filter(**{relation.field.name: contact, "item__in": items})
            rows.update(**{relation.field.name: made})
    for split in slots.contact_split:
        split(contact, made, items)


def _take_talk(contact: Contact, made: Contact, share: Share) -> None:
    mine = Message.objects.filter(contact=contact)
    ids = set(mine.filter(pk__in=share.messages).values_list("pk", flat=True))
    if share.talk:
        ids |= set(mine.filter(to__in=share.emails | share.phones).values_list("pk", flat=True))
    moved = Message.objects.filter(pk__in=ids)
    for channel, newest in moved.order_by().values_list("channel").annotate(newest=Max("created_at")):
        talk = Conversation.objects.create(contact=made, channel_id=channel, last_message_at=newest)
        moved.filter(channel=channel).update(conversation=talk)
    moved.update(contact=made)
    Event.objects.filter(contact=contact, payload__message__in=list(ids)).update(contact=made)
