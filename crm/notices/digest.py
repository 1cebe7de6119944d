"""The morning's mail: what is late, what is due today, and what rang since yesterday; to who asked for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.events import notice
from crm.ground import clock
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.notices.models.notifications import Notification
from crm.people.models import User
from crm.work.queue import Kind, every, register_kind

HOUR = 8  # of the person's own zone
MOST = 20


def send_all(job: Any) -> None:
    """Each hour: everybody for whom it is past eight in the morning, and who has had none today."""
    for user in User.objects.filter(is_active=True, digest=True):
        local = clock.now().astimezone(ZoneInfo(user.zone))
        if local.hour < HOUR or user.digest_on == local.date():
            continue
        User.objects.filter(pk=user.pk).update(digest_on=local.date())
        with translation.override(user.language), timezone.override(user.zone):
            text = text_for(user)
            if text:
                notice.mail(user, _("Your day"), text)


def text_for(user: User) -> str:
    """Empty where there is nothing to say."""
    now = clock.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    seen = Q(item=None) | Q(item__in=Item.objects.visible_to(user))
    tasks = Task.objects.open().filter(seen, assignee=user).select_related("item").order_by("deadline")
    late, today = tasks.filter(deadline__lt=now), tasks.filter(deadline__gte=now, deadline__lt=midnight)
    rung = Notification.objects.filter(user=user, read_at__isnull=True, created_at__gt=now - timedelta(days=1))
    parts = [
        _part(_("Late"), [_line(task, "%Y-%m-%d %H:%M") for task in late[:MOST]]),
        _part(_("Today"), [_line(task, "%H:%M") for task in today[:MOST]]),
        _part(_("Not read yet"), [notice.text for notice in rung.order_by("-pk")[:MOST]]),
    ]
    found = [part for part in parts if part]
    return "\n\n".join([*found, f"{settings.PUBLIC_URL}{reverse('day')}"]) if found else ""


def _part(head: str, lines: list[str]) -> str:
    return "\n".join([head, *(f"– {line}" for line in lines)]) if lines else ""


def _line(task: Task, pattern: str) -> str:
    moment = timezone.localtime(task.deadline).strftime(pattern) if task.deadline else ""
    return " · ".join(filter(None, [moment, task.title, task.item.title if task.item else ""]))


register_kind(Kind("digest", send_all))
every("digest", timedelta(hours=1))
