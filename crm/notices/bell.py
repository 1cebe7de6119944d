"""How a notice reaches a colleague: the bell, and a mail for who chose mails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from crm import slots
from crm.events.notice import Notice
from crm.ground import clock
from crm.ground.addresses import no_link
from crm.ground.sentences import Sentence
from crm.items.models.items import Item
from crm.messages import sending
from crm.notices.models.notifications import KIND_OF, Notification
from crm.people.models import User


@slots.notices.register
def tell(notice: Notice) -> None:
    """Slot notices: the bell, and mails for those who chose mails. With a group, not again while one is unread."""
    if notice.subject:
        for user in notice.people:
            sending.mail_colleague(user, notice.subject, notice.text)
        return
    people = {user.pk: user for user in notice.people}
    group, kind, item, sender, text = notice.group, notice.kind, notice.item, notice.sender, notice.text
    if group:
        unread = Notification.objects.filter(user__in=people, group=group, read_at__isnull=True)
        for user_id in unread.values_list("user_id", flat=True):
            people.pop(user_id, None)
    choice, now = KIND_OF.get(kind, kind), clock.now()
    by_mail = [user for user in people.values() if user.hears(choice, "mail")]
    if group and by_mail:
        # The bell may be off, or read at once: one mail a day for each trouble.
        recent = Notification.objects.filter(user__in=by_mail, group=group, created_at__gt=now - timedelta(days=1))
        told = set(recent.values_list("user_id", flat=True))
        by_mail = [user for user in by_mail if user.pk not in told]
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


def _mail(user: User, text: str, item: Any) -> None:
    if item is not None and not Item.objects.visible_to(user).filter(pk=item.pk).exists():
        item = None
    link = f"\n\n{settings.PUBLIC_URL}{reverse('item', args=[item.pk])}" if item is not None else ""
    subject = no_link(item.title) if item is not None else text.splitlines()[0][:100]
    sending.mail_colleague(user, subject, text + link)
