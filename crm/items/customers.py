"""The customer of a new card: known or made by what somebody typed or sent, with an owner, and nothing given away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from crm.events.notice import notify
from crm.events.record import record
from crm.ground import phones
from crm.ground.addresses import one_spelling
from crm.ground.refused import Forbidden
from crm.ground.sentences import said
from crm.items import customer_rights
from crm.items.models.items import Item
from crm.people.models import Contact, User
from crm.people.recognising import same_name
from crm.pipelines.rights import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

FOUND = "customer.found"


@dataclass
class Found:
    """Whom a door found or made.

    Args:
        by: who typed it; None for a customer himself (form, mail).
        typed: what was typed and is not the contact's yet, as label: text.
        fresh: addresses and numbers that a known contact got by this, and nobody has confirmed.
    """

    contact: Contact
    by: User | None = None
    is_made: bool = False
    typed: dict[str, str] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)

    @property
    def is_hidden(self) -> bool:
        """Who typed it does not see this customer: the card will show the name and what was typed."""
        return self.by is not None and not self.is_made and not customer_rights.allows(self.by, "view", self.contact)

    def links(self) -> dict[str, Any]:
        """The columns of the new card."""
        return {"contact": self.contact, "hides_customer": self.is_hidden}

    def settle(self, item: Item) -> None:
        """Once the card is there: whose the new contact is, what was typed, and the owner of a hidden one is told."""
        if self.is_made and item.owner is not None:
            self.contact.falls_to(item.owner, item)
        if self.fresh:
            self.contact.emails.filter(is_new=True, address__in=self.fresh, came_with=None).update(came_with=item)
            self.contact.phones.filter(is_new=True, number__in=self.fresh, came_with=None).update(came_with=item)
        if self.typed:
            record(FOUND, item=item, actor=self.by, payload={"typed": self.typed, "hidden": item.hides_customer})
        if item.hides_customer:
            tell_owner(self.contact, item, self.by)


def find_or_make(by: User, *, name: str, email: str = "", phone: str = "", known: Contact | None = None) -> Found:
    """For a card that somebody of ours makes by hand.

    Args:
        known: chosen in the form; else the one rule decides (crm/people/recognising.py).
    Raises Forbidden where a contact would have to be made and the person may add none.
    """
    email = one_spelling(email)
    contact = known or Contact.objects.recognised(name=name, email=email, phone=phone)
    if contact is None:
        if not customer_rights.hands_to(by, "add", by):
            raise Forbidden(customer_rights.REFUSALS["add"])
        contact = Contact.objects.create(name=(name or email or phone)[:200], owner=by)
        contact.add_email(email)
        contact.add_phone(phone)
        return Found(contact, by, is_made=True)
    if customer_rights.allows(by, "edit", contact):
        contact.add_email(email, is_new=known is None)
        contact.add_phone(phone)
        return Found(contact, by, fresh=[email] if known is None else [])
    found = Found(contact, by)
    had = {row.address for row in contact.emails.all()} | {row.number for row in contact.phones.all()}
    # The name of a hidden customer is shown on the card; what else was typed is all that the card may tell.
    found.typed = {key: text for key, text in (("email", email), ("phone", phone)) if text}
    if name and not same_name(name, contact.name):
        found.typed = {"name": name, **found.typed}
    if not found.is_hidden:
        found.typed = {key: text for key, text in found.typed.items() if text not in had}
    return found


def tell_owner(contact: Contact, item: Item, by: User | None) -> None:
    owner = contact.owner
    if owner is None or by is None or owner.pk == by.pk:
        return
    words = {"who": by.name, "name": contact.name, "title": item.title}
    text = said("customer.found", "%(who)s made the card “%(title)s” with an address of your customer %(name)s.")
    notify([owner], text % words, item=item, kind="notice", sender=by, group=f"found:{contact.pk}:{by.pk}")


def tell_of_sharing(contact: Contact, reach: set[str], by: User) -> None:
    """Owners of customers whom the person does not see hear that their addresses or numbers were given to another."""
    if not reach or customer_rights.scope_of(by, "view") == Scope.ALL:
        return
    theirs = Contact.objects.filter(Q(emails__address__in=reach) | Q(phones__number__in=reach)).exclude(pk=contact.pk)
    unseen = theirs.exclude(pk__in=Contact.objects.visible_to(by).values("pk")).exclude(owner=None).distinct()
    for other in unseen.select_related("owner")[:20]:
        assert other.owner is not None
        words = {"who": by.name, "name": other.name, "contact": contact.name}
        text = said(
            "customer.shared", "%(who)s gave an address of your customer %(name)s to the contact “%(contact)s”."
        )
        notify([other.owner], text % words, kind="notice", sender=by, group=f"shared:{other.pk}:{by.pk}")


def typed_for(item: Item) -> list[str]:
    """All that was typed when the card was made, as people read it."""
    return [shown(event.data("typed", {}).values()) for event in item.events.filter(kind=FOUND).order_by("pk")]


def typed_on(item: Item, key: str) -> list[str]:
    """Addresses ("email") or numbers ("phone") that were typed when the card was made."""
    events = item.events.filter(kind=FOUND).order_by("pk")
    return [event.data("typed")[key] for event in events if event.data("typed", {}).get(key)]


def reachable(item: Item, user: User | None, key: str) -> list[str]:
    """Where the card's customer may be written to by this person: all addresses ("email") or numbers ("phone").

    Args:
        user: None for a rule, which writes as it was set up.
    """
    if item.contact is None:
        return []
    if user is not None and not customer_rights.shows(user, item):
        return typed_on(item, key)
    if key == "email":
        return [row.address for row in item.contact.emails.all()]
    return [row.number for row in item.contact.phones.all() if not row.is_unchecked]


def shown(typed: Iterable[str]) -> str:
    """What was typed, as people read it."""
    return ", ".join(phones.display(text) if text.startswith("+") else text for text in typed)
