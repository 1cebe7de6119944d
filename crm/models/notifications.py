"""The bell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from crm import clock
from crm.addresses import no_link
from crm.models.people import User
from crm.sentences import Sentence, SentenceField, spoken

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


def notify(
    users: Iterable[User],
    text: str,
    *,
    item: Any = None,
    kind: str = "notice",
    sender: User | None = None,
    group: str = "",
) -> int:
    """Ring the bell of each user once. With `group`, not again while an earlier one of it is unread.

    Args:
        text: a Sentence is worded in each reader's language, whenever it is read; a plain text stays as it is.
    """
    people = {user.pk: user for user in users}
    if group and people:
        rung = Notification.objects.filter(user__in=people, group=group, read_at__isnull=True)
        for user_id in rung.values_list("user_id", flat=True):
            people.pop(user_id, None)
    choice, now = KIND_OF.get(kind, kind), clock.now()
    by_mail = [user for user in people.values() if user.hears(choice, "mail")]
    if group and by_mail:
        # The bell may be off, or read at once: one mail a day for each trouble.
        recent = Notification.objects.filter(user__in=by_mail, group=group, created_at__gt=now - timedelta(days=1))
        told = set(recent.values_list("user_id", flat=True))
        by_mail = [user for user in by_mail if user.pk not in told]
    text = spoken(text)
    Notification.objects.bulk_create(
        Notification(
            user_id=pk, text=text, item=item, kind=kind, sender=sender, group=group,
            read_at=None if user.hears(choice, "bell") else now,
        )
        for pk, user in people.items()
        if user.hears(choice, "bell") or user in by_mail
    )  # fmt: skip
    for user in by_mail:
        with translation.override(user.language), timezone.override(user.zone):
            words = str(text.worded() if isinstance(text, Sentence) else text)
            # What no colleague has written may hold a stranger's words: his title, his answer.
            _mail(user, words if sender is not None else no_link(words), item)
    return len(people)


def _mail(user: User, text: str, item: Any) -> None:
    from crm import sending
    from crm.models.items import Item

    if item is not None and not Item.objects.visible_to(user).filter(pk=item.pk).exists():
        item = None
    link = f"\n\n{settings.PUBLIC_URL}{reverse('item', args=[item.pk])}" if item is not None else ""
    subject = no_link(item.title) if item is not None else text.splitlines()[0][:100]
    sending.mail_colleague(user, subject, text + link)
