"""Colleagues named in a text: "@Bob Seller, please look" rings Bob's bell."""

from __future__ import annotations

from crm.events.notice import notify
from crm.ground.sentences import said
from crm.items.models.items import Item
from crm.people.models import User


def mentioned(text: str) -> list[User]:
    """Active users whose full name stands after an @; of two names that begin alike the longer one counts."""
    if "@" not in text:
        return []
    people = sorted(User.objects.filter(is_active=True), key=lambda user: -len(user.name))
    found, rest = [], text.casefold()
    for person in people:
        mark = f"@{person.name.casefold()}"
        if person.name and mark in rest:
            found.append(person)
            rest = rest.replace(mark, "")
    return found


def tell_mentioned(text: str, *, item: Item, by: User) -> list[User]:
    """Ring the bell of those named who may see the item; returns them."""
    people = [
        person
        for person in mentioned(text)
        if person.pk != by.pk and Item.objects.visible_to(person).filter(pk=item.pk).exists()
    ]
    for person in people:
        words = {"who": by.name, "title": item.title, "text": text[:200]}
        told = said("notice.mentioned", "%(who)s on “%(title)s”: %(text)s") % words
        notify([person], told, item=item, kind="mention", sender=by)
    return people
