"""The differences between SQLite and PostgreSQL, one function each; both are first class and both are tested."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, models, transaction
from django.db.models.functions import Now

R = TypeVar("R")


# SQLite has one writer: a batch that holds it longer would keep web requests waiting.
BATCH_SECONDS = 0.015


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def give_way() -> None:
    """Between two batches on SQLite: a worker that had to wait for the lock leaves it to others for as long."""
    if not is_postgres():
        wrapper: Any = connection
        waited, wrapper.waited = wrapper.waited, 0.0
        time.sleep(min(0.1, max(0.003, waited)))


def real_now() -> Any:
    """Real time for leases: the database's own on PostgreSQL (several hosts), this host's on SQLite (one host)."""
    return Now() if is_postgres() else datetime.now(UTC)


def real_in(seconds: float) -> Any:
    """Real time some seconds ahead, usable in a filter or an update."""
    ahead = timedelta(seconds=seconds)
    if is_postgres():
        return models.ExpressionWrapper(Now() + ahead, output_field=models.DateTimeField())
    return datetime.now(UTC) + ahead


def skip_locked(queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Lock the rows that nobody else holds. On SQLite the IMMEDIATE transaction is the lock."""
    return queryset.select_for_update(skip_locked=True) if is_postgres() else queryset


def lock(queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Lock the rows and wait for them (only the rows of the queryset's own table)."""
    return queryset.select_for_update(of=("self",)) if is_postgres() else queryset


def share_lock(model: type[models.Model], pk: Any, *columns: str) -> tuple[Any, ...] | None:
    """Read columns of a row so that nobody edits it before we commit; readers do not wait for each other.

    The ORM has no FOR SHARE, so this is the one raw query of the gate.
    """
    quote = connection.ops.quote_name
    suffix = " FOR SHARE" if is_postgres() else ""
    names = ", ".join(quote(c) for c in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {quote(model._meta.db_table)} WHERE id = %s{suffix}", [pk])
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def advisory_lock(number: int) -> None:
    """Serialise a short piece of work until the transaction ends. SQLite has one writer anyway."""
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


_PASSING = ("deadlock", "database is locked", "could not serialize", "database table is locked")


@contextmanager
def durable() -> Iterator[None]:
    """Commits inside reach the disk before they answer, even on SQLite, whose usual commit may be lost in a power cut.

    For what must never be forgotten: that a message was about to leave the house. Everything else may be done again.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=FULL")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")


def persistently(work: Callable[[], R], tries: int = 6) -> R:
    """Run a piece of work in its own transaction, again after a deadlock or a locked database.

    Raises whatever the work raises; OperationalError once the tries are spent.
    """
    for attempt in range(tries):
        try:
            with transaction.atomic():
                return work()
        except OperationalError as error:
            words = str(error).lower()
            nested = transaction.get_connection(DEFAULT_DB_ALIAS).in_atomic_block
            if nested or attempt == tries - 1 or not any(word in words for word in _PASSING):
                raise
            time.sleep(0.02 * 2**attempt)
    raise AssertionError("unreachable")
