"""Files that people put beside a note: kept under a random name, handed out only to who sees the item."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm import clock
from crm.models.events import Event
from crm.models.items import Item
from crm.models.people import User


def random_place(_file: Any, _name: str) -> str:
    """Nothing of the sender's name reaches the disk."""
    place = uuid.uuid4().hex
    return f"attachments/{place[:2]}/{place}"


class Attachment(models.Model):
    item = models.ForeignKey(Item, models.CASCADE, related_name="attachments", verbose_name=_("item"))
    event = models.ForeignKey(Event, models.CASCADE, related_name="attachments")
    file = models.FileField(upload_to=random_place)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=100)
    size = models.PositiveIntegerField(_("size"))
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")

    def __str__(self) -> str:
        return self.name
