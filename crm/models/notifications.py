"""The bell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm import clock
from crm.models.people import User


class Notification(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="notifications")
    kind = models.CharField(_("kind"), max_length=30, default="notice")
    text = models.TextField(_("text"))
    sender = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    item = models.ForeignKey("crm.Item", models.CASCADE, null=True, blank=True, related_name="notifications")
    # Repeats of one trouble are one notice while it is unread.
    group = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = [models.Index(fields=["user"], name="bell_unread", condition=Q(read_at__isnull=True))]

    def __str__(self) -> str:
        return self.text[:60]


def notify(
    users: Iterable[User],
    text: Any,
    *,
    item: Any = None,
    kind: str = "notice",
    sender: User | None = None,
    group: str = "",
) -> int:
    """Ring the bell of each user once. With `group`, not again while an earlier one of it is unread."""
    people = {user.pk: user for user in users}
    if group and people:
        rung = Notification.objects.filter(user__in=people, group=group, read_at__isnull=True)
        for user_id in rung.values_list("user_id", flat=True):
            people.pop(user_id, None)
    Notification.objects.bulk_create(
        [Notification(user_id=pk, text=str(text), item=item, kind=kind, sender=sender, group=group) for pk in people]
    )
    return len(people)
