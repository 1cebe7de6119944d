"""Sets of items: alive, open, seen by a person, found by a text."""

from __future__ import annotations

from typing import Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Q

from crm.ground.folding import fold
from crm.people.models import Company, Contact, User
from crm.pipelines import rights
from crm.pipelines.models import StageKind


class ItemQuerySet(models.QuerySet[Any]):
    def alive(self) -> Self:
        return self.filter(deleted_at__isnull=True)

    def open(self) -> Self:
        return self.alive().filter(stage__kind=StageKind.OPEN)

    def visible_to(self, user: User) -> Self:
        """Items that the user may see."""
        return self.alive().reached_by(user)

    def deleted_for(self, user: User) -> Self:
        """The recycle bin, as the user may see it."""
        return self.filter(deleted_at__isnull=False).reached_by(user)

    def reached_by(self, user: User, action: str = "view") -> Self:
        """Items with which the user may do it (crm/pipelines/rights.py), deleted ones too."""
        return self.filter(rights.within(user, action))

    def found(self, text: str) -> Self:
        """Items whose title, customer or company contains the text, accents and case ignored."""
        return self.filter(matching(text))


FEW = 2000


def matching(text: str) -> Q:
    """Which items a text is found in, as a condition; asks once how many there are.

    Few are named by their ids, which each table's own index finds. Many are found soonest by walking a page's order
    and looking at each row.
    """
    items: Any = apps.get_model("crm", "Item")  # whose set this is
    key = fold(text)
    own = items.objects.filter(search_key__contains=key).values("pk")
    customers = Contact.objects.filter(search_key__contains=key).order_by().values("pk")
    companies = Company.objects.filter(search_key__contains=key).order_by().values("pk")
    theirs = items.objects.filter(contact__in=customers).values("pk")
    firms = items.objects.filter(company__in=companies).values("pk")
    ids = [row["pk"] for row in own.union(theirs, firms, all=True)[: FEW + 1]]
    if len(ids) <= FEW:
        return Q(pk__in=ids)
    return Q(search_key__contains=key) | Q(contact__search_key__contains=key) | Q(company__search_key__contains=key)
