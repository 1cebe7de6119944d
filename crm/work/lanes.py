"""Who waits for what is planned now: one person (or customer) at this moment, or nobody in particular.

Rows that are planned while a row is performed inherit its lane, so what follows from a bulk move never stands before
somebody's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SOMEBODY, BULK = 0, 1
MANY = 20  # cards moved at once, above which nobody waits for each

_lane: ContextVar[int] = ContextVar("lane", default=SOMEBODY)


def current() -> int:
    """The lane of rows that are planned now."""
    return _lane.get()


@contextmanager
def within(lane: int) -> Iterator[None]:
    """Everything that is planned inside goes to this lane."""
    before = _lane.set(min(lane, BULK))
    try:
        yield
    finally:
        _lane.reset(before)
