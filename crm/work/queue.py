"""Background work: bells, drains, the cluster's start and watch. The only module that imports django_q.

The database is the truth, the queue only rings: a lost bell is found by the ticker, a doubled one dies at the
claim. Rows live in leased tables (crm/work/leased.py); each table registers a `Worker` in the *workers* slot.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Protocol

from django.apps import apps
from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connection, transaction

from crm import slots
from crm.ground import clock, databases

log = logging.getLogger("dealwright.queue")

BATCH = 50
TURN_SECONDS = 20.0  # a drain gives its process back after this; with work left it rings for another turn


class Stride:
    """How many rows one batch takes, and when it ends: a batch on SQLite holds the one writer's lock.

    What is claimed and not reached in time is given back; without learning from that, a worker claimed fifty
    submissions to process two, over and over.
    """

    def __init__(self) -> None:
        self.rows = BATCH
        self._end = 0.0

    def start(self) -> None:
        self._end = time.monotonic() + (float("inf") if databases.is_postgres() else databases.BATCH_SECONDS)

    def is_over(self, reached: int) -> bool:
        """Asked before each row with how many were performed; the first one always is."""
        if not reached or time.monotonic() < self._end:
            return False
        self.rows = reached
        return True

    def whole(self) -> None:
        """All rows were reached: the next batch may be larger."""
        self.rows = min(BATCH, self.rows * 2)


class Worker(Protocol):
    """A leased table that the drain serves."""

    name: str

    def take(self, count: int) -> int:
        """Claim and perform up to `count` rows; returns how many were claimed."""

    def reclaim(self) -> None:
        """Give back or end rows whose lease ran out."""

    def claimable(self) -> Any:
        """The rows (a queryset) whose kind is known here and not switched off, due or not."""

    def due(self) -> bool:
        """Is there a row that this host may claim now?"""

    def progress(self) -> Any:
        """A value that changes with every claim, renewal and end on this host."""

    def was_killed(self) -> None:
        """The watchdog has just killed this host's workers: something they held stood still."""


# ---------------------------------------------------------------------- kinds of jobs


@dataclass(frozen=True)
class Kind:
    """What a job's kind does.

    Args:
        perform: inside kinds: called with the job in a transaction that also ends it, as done or as the (status, sentence)
            that it returns; an instant that it returns is when it goes on. Outside kinds: called
            outside any transaction after `begin`, returns an outcome for `conclude`.
        outside: talks to the world.
        lost: the job failed for good; called with it, in the transaction that ends it.
        put_back: a temporary failure; the job is planned again.
        automation: waits while automation is paused (inside kinds; outside ones wait as well).
        indoors: an outside kind of which nothing leaves the house; it does not wait.
        cancelled: called with the ids of jobs of this kind that were cancelled, and the reason, in that transaction.
        revived: called with the ids of those that are planned again, since the move that cancelled them was taken back.
        passing: its jobs come back by themselves, and are forgotten some days after they are done.
    """

    name: str
    perform: Callable[[Any], Any]
    outside: bool = False
    automation: bool = False
    indoors: bool = False
    passing: bool = False
    begin: Callable[[Any], bool] | None = None
    conclude: Callable[[Any, Any], None] | None = None
    lost: Callable[[Any], None] | None = None
    put_back: Callable[[Any], None] | None = None
    cancelled: Callable[[list[int], str], None] | None = None
    revived: Callable[[list[int]], None] | None = None


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    _kinds[kind.name] = kind


def kind_of(name: str) -> Kind | None:
    return _kinds.get(name)


def kinds() -> dict[str, Kind]:
    return dict(_kinds)


# ---------------------------------------------------------------------- bells


def ring() -> None:
    """There is work: after the commit, and never fatal. One bell a transaction is enough."""
    hooks = connection.run_on_commit
    if any(hook[1] is _ring for hook in hooks):
        return
    transaction.on_commit(_ring, robust=True)


# Bells of one process that follow each other faster than this ask first whether one hangs there already.
BURST_SECONDS = 0.05
_last_bell = 0.0


@cache
def _library() -> Any:
    """django-q2, whose models exist only once all apps are loaded, long after jobs of ours can be named."""
    import django_q.brokers
    import django_q.cluster
    import django_q.models
    import django_q.tasks

    return django_q


def _broker() -> Any:
    return _library().brokers.get_broker()


def _ring() -> None:
    """A bell that no worker has taken yet will look after our commit, so under load one is enough for many."""
    global _last_bell
    burst, _last_bell = time.monotonic() - _last_bell < BURST_SECONDS, time.monotonic()
    if burst and _broker().queue_size():
        return
    # In a transaction: on SQLite only BEGIN has our fair way to the lock (crm/sqlite), a bare INSERT sleeps.
    with transaction.atomic():
        _library().tasks.async_task("crm.work.queue.drain", task_name="drain", save=False)


def ring_if_quiet() -> None:
    """From the ticker: a bell that a killed worker holds stays locked for minutes, so only free ones count."""
    if _broker().queue_size() < settings.WORKERS:
        _ring()


def drain(budget: float = TURN_SECONDS) -> int:
    """One turn: claim and perform until nothing is due or the budget (seconds) is spent. Returns rows claimed."""
    end = time.monotonic() + budget
    total = rounds = 0
    while time.monotonic() < end:
        taken = sum(worker.take(BATCH) for worker in slots.workers)
        total += taken
        rounds += 1
        if not taken:
            return total
        if rounds == 2:
            _ring()  # more than one batch: another process may join
        databases.give_way()
    _ring()
    return total


def drain_all(rounds: int = 1000) -> int:
    """Perform everything due now in this process; for commands and tests."""
    total = 0
    for _ in range(rounds):
        taken = sum(worker.take(BATCH) for worker in slots.workers)
        if not taken:
            break
        total += taken
    return total


# ---------------------------------------------------------------------- ticker and watchdog


@dataclass
class Recurring:
    """Work that comes back: each slot of time is one job (key = kind + slot); a job never plans its successor."""

    kind: str
    every: timedelta


_recurring: list[Recurring] = []


def passing_kinds() -> list[str]:
    return [*(work.kind for work in _recurring), *(kind.name for kind in _kinds.values() if kind.passing)]


def every(kind: str, period: timedelta) -> None:
    _recurring.append(Recurring(kind, period))


def tick() -> bool:
    """Each second: give back lost rows, plan recurring slots, ring if something is due. True if it is."""
    _reclaim()
    _plan_recurring()
    due = any(worker.due() for worker in slots.workers)
    if due:
        ring_if_quiet()
    return due


def _reclaim() -> None:
    """A table that cannot be read must not stop the others, nor the bell."""
    for worker in slots.workers:
        try:
            worker.reclaim()
        except Exception:
            log.exception("%s could not be reclaimed", worker.name)


def _plan_recurring() -> None:
    jobs: Any = apps.get_model("crm", "Job")  # which itself rings here
    now = clock.now()
    for work in _recurring:
        slot = int(now.timestamp() // work.every.total_seconds())
        known = f"recurring:{work.kind}:{slot}"
        if caches["near"].add(known, 1, timeout=int(work.every.total_seconds()) + 1):
            jobs.plan(work.kind, known, lane=1)


class Watchdog:
    """Restart the cluster when due work stands still: a killed idle worker hangs it (django-q2 issue 23)."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.seen: Any = None
        self.since = time.monotonic()

    def hangs(self, due: bool) -> bool:
        """Rows are due here, and nothing was claimed, renewed or ended for `patience` seconds of real time."""
        progress = tuple(worker.progress() for worker in slots.workers)
        if not due or progress != self.seen:
            self.seen, self.since = progress, time.monotonic()
            return False
        return time.monotonic() - self.since > self.patience

    def calm(self) -> None:
        self.since = time.monotonic()


def holds_leases() -> bool:
    """Does a worker of this host hold a row, even one whose lease ran out? False where even that cannot be read."""
    try:
        return any(worker.claimable().held_here(expired=True).exists() for worker in slots.workers)
    except DatabaseError:
        log.exception("leases could not be read")
        return False


def was_killed() -> None:
    """After the watchdog killed the workers: each table looks at what they held."""
    for worker in slots.workers:
        try:
            worker.was_killed()
        except Exception:
            log.exception("%s could not look at what hung", worker.name)


def forget_bells() -> None:
    """After the cluster was killed: bells it held locked would be delivered late; all of them are only bells."""
    if not settings.REDIS_URL:
        _library().models.OrmQ.objects.all().delete()


def start_cluster() -> None:
    """Run django-q's cluster in this process, with the minute's net under the ticker. Returns when it is stopped."""
    schedules = _library().models.Schedule
    try:
        schedules.objects.update_or_create(
            name="net",
            defaults={"func": "crm.work.queue.net", "schedule_type": schedules.MINUTES, "minutes": 1, "repeats": -1},
        )
    except DatabaseError:
        log.exception("the minute's net could not be planned")
    connection.close()
    cluster = _library().cluster.Cluster()
    cluster.start()
    while cluster.sentinel is not None and cluster.sentinel.is_alive():
        time.sleep(0.2)


def net() -> int:
    """django-q's schedule, each minute: what the ticker should have found."""
    _reclaim()
    return drain() if any(worker.due() for worker in slots.workers) else 0
