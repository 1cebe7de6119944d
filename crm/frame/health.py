"""Is the machine room well? Lines for /healthz, and the sentence of the banner (E49)."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import slots
from crm.ground import clock, vault
from crm.ground.shown import beside
from crm.messages.models.messages import Channel
from crm.messages.transports.base import transports
from crm.slots import Health
from crm.work.leased import LeasedQuerySet

LATE = timedelta(minutes=1)
LEAST_FREE = settings.LEAST_FREE_MB * 1_000_000  # bytes


def standstill(name: str, rows: LeasedQuerySet) -> Health:
    """A fault if rows are due for more than a minute and nothing was started for as long."""
    now = clock.now()
    oldest = rows.due(now).order_by("due_at").values_list("due_at", flat=True).first()
    if oldest is None or now - oldest < LATE:
        return Health(name, figure="0")
    started = rows.order_by("-started_at").filter(started_at__gt=now - LATE).exists()
    minutes = int((now - oldest).total_seconds() // 60)
    fault = (
        ""
        if started
        else ngettext(
            "Nothing has started for %d minute although work is due.",
            "Nothing has started for %d minutes although work is due.",
            minutes,
        )
        % minutes
    )
    return Health(name, fault=fault, figure=f"{int((now - oldest).total_seconds())} s")


@slots.health_checks.register
def work_moves() -> list[Health]:
    return [standstill(worker.name, worker.claimable()) for worker in slots.workers]


@slots.health_checks.register
def channels_work() -> list[Health]:
    broken = Channel.objects.filter(is_active=True).exclude(fault="").first()
    if broken is not None:
        return [Health("channels", fault=beside(broken.name, broken.fault))]
    for channel in Channel.objects.filter(is_active=True):
        found = transports.get(channel.transport)
        fault = found(channel, channel.settings | vault.unlock(channel.secret)).fault() if found else ""
        if fault:
            return [Health("channels", fault=beside(channel.name, fault))]
    return [Health("channels")]


@slots.health_checks.register
def disk_has_room() -> list[Health]:
    """A full disk stops every write of SQLite, and papers and mails on any database."""
    free = shutil.disk_usage(settings.MEDIA_ROOT if Path(settings.MEDIA_ROOT).exists() else settings.BASE_DIR).free
    fault = _("The disk is full: %d MB are left.") % (free // 1_000_000) if free < LEAST_FREE else ""
    return [Health("disk", fault=fault, figure=f"{free // 1_000_000} MB")]


def lines() -> list[Health]:
    return [line for check in slots.health_checks for line in check()]


def banner() -> str:
    """The sentence of the banner, or empty; asked at most every ten seconds a process."""
    known = caches["near"].get("health:banner")
    if known is None:
        known = next((line.fault for line in lines() if line.fault), "")
        caches["near"].set("health:banner", known, 10)
    return str(known)
