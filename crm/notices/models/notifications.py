"""The bell."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Count, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.ground.sentences import SentenceField
from crm.people.models import User

# What people choose between; several kinds of trouble are one choice.
CHOICES = {
    "task": _("a task is given to me"),
    "mention": _("I am mentioned, or answered in the feed"),
    "rule": _("a rule tells me something"),
    "supervisor": _("something for the supervisor"),
    "trouble": _("a rule or trigger was refused, paused or stopped"),
    "message": _("a customer writes"),
    "answer": _("a customer answers a paper"),
    "work": _("an import or a change of the set-up is done"),
}
KIND_OF = {
    **dict.fromkeys(("refused", "rights", "loop", "limit", "document"), "trouble"),
    **dict.fromkeys(("import", "setup"), "work"),
    "notice": "rule",
}


class Notification(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="notifications", verbose_name=_("person"))
    kind = models.CharField(_("kind"), max_length=30, default="notice")
    text = SentenceField(_("text"))
    sender = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("sender"))
    item = models.ForeignKey(
        "crm.Item", models.CASCADE, null=True, blank=True, related_name="notifications", verbose_name=_("item")
    )
    # Repeats of one trouble are one notice while it is unread.
    group = models.CharField(_("told once as"), max_length=80, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = [models.Index(fields=["user"], name="bell_unread", condition=Q(read_at__isnull=True))]

    def __str__(self) -> str:
        return self.text[:60]

    @classmethod
    def unread_of(cls, user: Any) -> Coalesce:
        """How many a user (id, or OuterRef to one) has not read, as a column of another question."""
        rung = cls.objects.filter(user=user, read_at__isnull=True).order_by().values("user")
        return Coalesce(Subquery(rung.annotate(n=Count("pk")).values("n")), 0)
