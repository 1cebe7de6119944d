"""Parts of a person's day: what they have to approve, and the cards that stay too long, of which they were told."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from automation.approvals import waiting_for
from automation.models import LateItem
from crm.items import activity
from crm.models import Item, User
from crm.slots import ItemTab

SHOWN = 50


def approvals_part(user: User) -> ItemTab | None:
    """Slot day_parts: what the person has to approve."""
    votes = list(waiting_for(user)[:SHOWN])
    if not votes:
        return None
    return ItemTab("approvals", _("To be approved"), "automation/approvals.html", {"votes": votes}, len(votes))


def part(user: User) -> ItemTab | None:
    """Slot day_parts: what still stands in its stage, and what nobody has cared for since."""
    cared_for = activity.events().filter(item=OuterRef("item"), created_at__gt=OuterRef("since"))
    rows = LateItem.objects.filter(user=user, item__in=Item.objects.visible_to(user))
    late = rows.filter(item__visit=F("run__visit"), item__deleted_at=None)
    late = late.filter(Q(until_moved=True) | ~Exists(cared_for))
    shown = list(late.select_related("item__stage", "item__owner").order_by("since", "pk")[: SHOWN + 1])
    if not shown:
        return None
    count = len(shown) if len(shown) <= SHOWN else late.count()
    context = {"rows": shown[:SHOWN], "more": max(0, count - SHOWN)}
    return ItemTab("neglected", _("Too long in their stage"), "automation/late.html", context, count)
