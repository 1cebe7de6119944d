"""The recycle bin empties itself: items deleted long ago are removed for good, by a recurring job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crm import clock
from crm.models.items import Item
from crm.models.visits import StageVisit
from crm.queue import Kind, every, register_kind

KEPT_DAYS = 30
AT_ONCE = 200


def empty(job: Any) -> None:
    """Oldest first, a batch an hour; tasks, runs, events and messages' links go with the item."""
    old = Item.objects.filter(deleted_at__lt=clock.now() - timedelta(days=KEPT_DAYS)).order_by("deleted_at")
    ids = list(old.values_list("pk", flat=True)[:AT_ONCE])
    if ids:
        Item.objects.filter(pk__in=ids).update(visit=None)
        StageVisit.objects.filter(item_id__in=ids).delete()
        Item.objects.filter(pk__in=ids).delete()


register_kind(Kind("empty_bin", empty))
every("empty_bin", timedelta(hours=1))
