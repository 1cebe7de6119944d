"""Who of several people: in turn, the least busy, at random, who had the customer before; shared by what gives work away."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from automation.base import Context
from automation.models import OwnerTurn
from crm.ground import databases
from crm.models import Item, User


def in_order(context: Context, people: list[User]) -> User:
    """Round robin; the place is kept under lock, so that two at once get two people."""
    turn, _made = OwnerTurn.objects.get_or_create(rule=context.rule)
    turn = databases.lock(OwnerTurn.objects.filter(pk=turn.pk)).get()
    after = [person for person in people if turn.last_user_id is not None and person.pk > turn.last_user_id]
    chosen = (after or people)[0]
    turn.last_user = chosen
    turn.save()
    return chosen


def least_busy(context: Context, people: list[User]) -> User:
    """Fewest open items; ties by the order of names."""
    open_items = Count("items", filter=Q(items__deleted_at__isnull=True, items__stage__kind="open"))
    counted = User.objects.filter(pk__in=[p.pk for p in people]).annotate(load=open_items)
    return counted.order_by("load", "name", "pk")[0]


def at_random(context: Context, people: list[User]) -> User:
    return random.choice(people)


def previous_owner(context: Context, people: list[User]) -> User:
    """Who had the customer's last other item; else in order."""
    others = Item.objects.alive().filter(contact=context.item.contact_id, owner__in=people)
    last = others.exclude(pk=context.item.pk).select_related("owner").order_by("-created_at").first()
    if context.item.contact_id and last is not None and last.owner is not None:
        return last.owner
    return in_order(context, people)


WAYS: dict[str, tuple[Any, Callable[[Context, list[User]], User]]] = {
    "order": (_("in order"), in_order),
    "least_busy": (_("the least busy"), least_busy),
    "random": (_("at random"), at_random),
    "previous": (_("who had this customer before"), previous_owner),
}


def there(people: Iterable[User], *, skip_absent: bool) -> list[User]:
    """Those who are active, each once, by id; without the absent ones where that is asked for."""
    found = {person.pk: person for person in people if person.is_active}
    return [found[pk] for pk in sorted(found) if not (skip_absent and found[pk].is_absent())]
