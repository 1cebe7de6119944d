"""The one source of time for due times and everything people read. Leases, tokens and limits use real time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.conf import settings

_at: ContextVar[datetime | None] = ContextVar("clock_at", default=None)


def _offset_file() -> str:
    return str(settings.VAR_DIR / "clock-offset")


def _offset() -> timedelta:
    """What `manage.py clock +2d` added, for every process of a demo stack; never in production."""
    if settings.PRODUCTION or settings.TESTING:
        return timedelta()
    try:
        with open(_offset_file()) as file:
            return timedelta(seconds=float(file.read() or 0))
    except (FileNotFoundError, ValueError):
        return timedelta()


def now() -> datetime:
    """The current instant, aware, UTC."""
    held = _at.get()
    return held if held is not None else datetime.now(UTC) + _offset()


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Hold the clock at an aware instant within this context; for tests and simulation."""
    token = _at.set(instant)
    try:
        yield
    finally:
        _at.reset(token)


def shift(by: timedelta) -> timedelta:
    """Move a demo stack's clock further ahead; zero brings real time back. Returns the whole offset."""
    total = timedelta() if not by else _offset() + by
    if total:
        with open(_offset_file(), "w") as file:
            file.write(str(total.total_seconds()))
    elif os.path.exists(_offset_file()):
        os.remove(_offset_file())
    return total
