"""The recycle bin empties itself: items deleted long ago are removed for good, by a recurring job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crm import slots
from crm.ground import clock, databases
from crm.items.models.items import Item
from crm.items.models.visits import StageVisit
from crm.messages.models.files import Attachment, RawMail
from crm.work.queue import Kind, every, register_kind

KEPT_DAYS = 30
AT_ONCE = 200


def empty(job: Any) -> None:
    """Oldest first, a batch an hour; tasks, runs, events and messages' links go with the item."""
    old = Item.objects.filter(deleted_at__lt=clock.now() - timedelta(days=KEPT_DAYS))
    for without in slots.bin_keeps:
        old = without(old)
    chosen = list(old.order_by("deleted_at").values_list("pk", flat=True)[:AT_ONCE])
    # Locked, and asked once more: somebody may have just taken one back.
    ids = list(databases.lock(old.filter(pk__in=chosen).order_by("pk")).values_list("pk", flat=True))
    if ids:
        for attachment in Attachment.objects.filter(item__in=ids):
            attachment.file.delete(save=False)
        # Messages outlive their card; what came with them in the raw is deleted with the card's other files.
        for mail in RawMail.objects.filter(message__item__in=ids):
            mail.file.delete(save=False)
            mail.delete()
        Item.objects.filter(pk__in=ids).update(visit=None)
        StageVisit.objects.filter(item_id__in=ids).delete()
        Item.objects.filter(pk__in=ids).delete()


register_kind(Kind("empty_bin", empty))
every("empty_bin", timedelta(hours=1))
