"""Files beside a note or in a mail: kept under a random name, handed out only to who sees the item."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.core.files.base import ContentFile
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.events.models import Event
from crm.ground import clock
from crm.items.models.items import Item
from crm.messages.models.messages import Message
from crm.people.models import User


def random_place(_file: Any, _name: str) -> str:
    """Nothing of the sender's name reaches the disk."""
    place = uuid.uuid4().hex
    return f"attachments/{place[:2]}/{place}"


class RawMail(models.Model):
    """A mail as it came, whatever became of its letters and parts."""

    message = models.OneToOneField(Message, models.CASCADE, related_name="raw_mail")
    file = models.FileField(upload_to=random_place)

    class Meta:
        verbose_name = _("mail as it came")
        verbose_name_plural = _("mails as they came")

    def __str__(self) -> str:
        return str(self.message)

    @classmethod
    def keep(cls, message: Message, raw: bytes) -> None:
        cls.objects.create(message=message, file=ContentFile(raw, name="mail.eml"))


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def visible_to(self, user: User) -> Self:
        """Files of cards that the person sees; those of mails without a card are the administrators'."""
        return self if user.is_superuser else self.filter(item__in=Item.objects.visible_to(user))


class Attachment(models.Model):
    # A mail that belongs to no card may have files too.
    item = models.ForeignKey(
        Item, models.CASCADE, null=True, blank=True, related_name="attachments", verbose_name=_("item")
    )
    event = models.ForeignKey(Event, models.CASCADE, null=True, blank=True, related_name="attachments")
    message = models.ForeignKey(Message, models.CASCADE, null=True, blank=True, related_name="attachments")
    file = models.FileField(upload_to=random_place)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=100)
    size = models.PositiveIntegerField(_("size"))
    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(default=clock.now)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")

    def __str__(self) -> str:
        return self.name
