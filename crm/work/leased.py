"""The leased row: the one kind of queue. The database is the truth; a claim is a commit of its own."""

from __future__ import annotations

import os
import random
import socket
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.ground import clock, databases
from crm.ground.sentences import SentenceField
from crm.work import lanes

HOST = socket.gethostname()[:40]
MAX_CRASHES = 3
# E45: pauses after the first, second … temporary failure, seconds; the last repeats.
BACKOFF = (5, 300, 1800, 7200, 18000, 36000)


class LeaseLost(Exception):
    """Somebody else holds the row now: roll back whatever was done for it."""


def owner_name() -> str:
    """Who claims: host first, so that limits can count what this host is doing."""
    return f"{HOST}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def backoff(attempts: int, retry_after: float | None = None) -> timedelta:
    """How long to wait after the n-th answer from the world (n from 1), +-20 %, honouring Retry-After seconds."""
    seconds = BACKOFF[min(attempts, len(BACKOFF)) - 1] * random.uniform(0.8, 1.2)
    return timedelta(seconds=max(seconds, retry_after or 0))


class Status(models.TextChoices):
    PLANNED = "planned", _("planned")
    HELD = "held", _("held")
    RUNNING = "running", _("running")
    SENDING = "sending", _("sending")
    WAITING = "waiting", _("waiting")
    DONE = "done", _("done")
    SKIPPED = "skipped", _("skipped")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    UNKNOWN = "unknown", _("unknown")


CLAIMABLE = (Status.PLANNED, Status.WAITING)
HAS_LEASE = (Status.RUNNING, Status.SENDING)
UNSTARTED = (Status.PLANNED, Status.HELD, Status.WAITING)
FINAL = (Status.DONE, Status.SKIPPED, Status.FAILED, Status.CANCELLED, Status.UNKNOWN)


class LeasedQuerySet(models.QuerySet[Any]):
    def due(self, now: datetime | None = None) -> Self:
        """Rows that may be claimed. Served by the partial index (lane, due_at, id)."""
        return self.filter(finished_at__isnull=True, status__in=CLAIMABLE, due_at__lte=now or clock.now())

    def claim(self, count: int, now: datetime | None = None) -> list[Any]:
        """Lease up to `count` due rows of this queryset, oldest of lane 0 first; a quarter goes to the oldest of all.

        Its own transaction: `crashes` is counted up before anything is done, so that a row that kills its
        worker is counted too; every orderly end sets it back to 0.
        """
        owner = owner_name()
        with transaction.atomic():
            due = databases.skip_locked(self.due(now).only("pk", "lane", "due_at"))
            oldest = list(due.filter(lane__gt=0).order_by("due_at", "pk").values_list("pk", flat=True)[: count // 4])
            first = list(due.exclude(pk__in=oldest).order_by("lane", "due_at", "pk")[: count - len(oldest)])
            ids = oldest + [row.pk for row in first]
            if not ids:
                return []
            self.model._base_manager.filter(pk__in=ids).update(
                status=Status.RUNNING,
                owner=owner,
                lease_until=databases.real_in(settings.LEASE_SECONDS),
                crashes=F("crashes") + 1,
                started_at=clock.now(),
            )
        return list(self.model._base_manager.filter(pk__in=ids, owner=owner).order_by("lane", "due_at", "pk"))

    def reclaim(self) -> list[Any]:
        """Rows whose worker died, given back; the caller ends those that crashed too often or were sending."""
        lost = self.filter(status__in=HAS_LEASE, lease_until__lt=databases.real_now())
        again = lost.filter(status=Status.RUNNING, crashes__lt=self.model.most_crashes)
        # Back at the end of the line of its lane: a row that kills workers must not be first each time.
        again.update(status=Status.PLANNED, owner="", lease_until=None, due_at=clock.now())
        return list(lost[:100])

    def held_here(self, expired: bool = False) -> Self:
        """Leases of this host: live ones, or those that ran out as well."""
        held = self.filter(status__in=HAS_LEASE, owner__startswith=f"{HOST}:")
        return held if expired else held.filter(lease_until__gte=databases.real_now())


class Leased(models.Model):
    # So many of the same row in a row end it (E48).
    most_crashes: ClassVar[int] = MAX_CRASHES
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PLANNED)
    lane = models.PositiveSmallIntegerField(
        _("lane"), default=lanes.current, help_text=_("0: somebody waits for it; 1: bulk")
    )
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    crashes = models.PositiveSmallIntegerField(_("crashes"), default=0)
    owner = models.CharField(_("worker"), max_length=80, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    error = SentenceField(_("reason"), blank=True)
    # When the world first said "later"; the limit of retries counts from here, not from the planning.
    first_failed_at = models.DateTimeField(_("first failed"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    started_at = models.DateTimeField(_("begun"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def leased_indexes(cls, prefix: str) -> list[models.Index]:
        """What is due in a lane, what is due at all, whose lease ends: claim and reclaim, each second.

        The conditions are such that a query with parameters is seen to imply them: with `status IN (…)` SQLite
        fell back to a scan of all planned rows (23 ms instead of 0.3 at 100 000).
        """
        unfinished = Q(finished_at__isnull=True)
        return [
            models.Index(fields=["lane", "due_at", "id"], name=f"{prefix}_due", condition=unfinished),
            models.Index(fields=["due_at", "id"], name=f"{prefix}_oldest", condition=unfinished),
            models.Index(fields=["lease_until"], name=f"{prefix}_lease", condition=Q(lease_until__isnull=False)),
        ]

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def change(self, **values: Any) -> None:
        """Write columns, guarded by the owner while leased. Raises LeaseLost if somebody else took the row."""
        rows = type(self)._base_manager.filter(pk=self.pk)
        if self.owner:
            rows = rows.filter(owner=self.owner, status__in=HAS_LEASE)
        if not rows.update(**values):
            raise LeaseLost(self.pk)
        for name, value in values.items():
            if not isinstance(value, models.Expression | models.F):
                setattr(self, name, value)

    # A batch collects the ends of its rows here and writes those that are alike together.
    ends: list[tuple[Any, dict[str, Any]]] | None = None

    def end(self, status: str, error: str = "", **values: Any) -> None:
        """The one door to a final status."""
        values |= {"status": status, "error": error, "owner": "", "lease_until": None, "crashes": 0}
        values["finished_at"] = clock.now()
        if self.ends is None or not self.owner:
            self.change(**values)
            return
        self.ends.append(((self.pk, self.owner), values))
        for name, value in values.items():
            setattr(self, name, value)

    @classmethod
    def write_ends(cls, ends: list[tuple[Any, dict[str, Any]]]) -> None:
        """Write collected ends, one statement for all that are alike. Raises LeaseLost if one is no longer ours."""
        alike: dict[str, list[tuple[Any, dict[str, Any]]]] = {}
        for mark, values in ends:
            plain = {name: value for name, value in values.items() if name != "finished_at"}
            alike.setdefault(repr(sorted(plain.items(), key=lambda pair: pair[0])), []).append((mark, values))
        for group in alike.values():
            ids = [pk for (pk, _owner), _values in group]
            owners = {owner for (_pk, owner), _values in group}
            rows = cls._base_manager.filter(pk__in=ids, owner__in=owners, status__in=HAS_LEASE)
            if rows.update(**group[-1][1]) != len(ids):
                raise LeaseLost(ids)

    def retry(self, wait: timedelta, error: str, limit: timedelta) -> None:
        """A temporary failure: planned again after a pause; an attempt is counted.

        Args:
            limit: from the first failure on; the last try lies within it, not ten hours after it (E45).
        """
        wait = min(wait, max(limit - self.tried_for(), timedelta()))
        self.change(
            status=Status.PLANNED,
            due_at=clock.now() + wait,
            attempts=self.attempts + 1,
            first_failed_at=self.first_failed_at or clock.now(),
            crashes=0,
            owner="",
            lease_until=None,
            error=error,
        )

    def tried_for(self) -> timedelta:
        """How long it has been tried in vain."""
        return clock.now() - self.first_failed_at if self.first_failed_at else timedelta()

    def give_back(self, due_at: datetime | None) -> None:
        """Not now: planned again without an attempt counted (a switch, a breaker, another turn)."""
        self.change(status=Status.PLANNED, due_at=due_at, crashes=0, owner="", lease_until=None)

    def renew(self) -> None:
        """Hold the row for another lease; before each call to the world."""
        self.change(lease_until=databases.real_in(settings.LEASE_SECONDS))
