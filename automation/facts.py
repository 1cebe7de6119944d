"""What a condition reads, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class CannotJudge(Exception):
    """The field has gone or the values cannot be compared: the run fails, it is never silently skipped."""


@dataclass(frozen=True)
class Verdict:
    """Args: sentence: what was read, for people ("amount 3 000 < 5 000")."""

    true: bool
    sentence: str


@dataclass(frozen=True)
class Facts:
    """What a condition may read.

    Args:
        values: {"item.amount": …} by path, a function that raises KeyError for a field that has gone.
        labels: path to label; lazy texts for fields that are ours.
        now: aware. zone: whose days, times of day and weekdays count.
        changes: {field: [old, new]} of the event that caused the entry.
        hides: whether what stands at a path is told in no sentence: those who read a run's history see less than its publisher.
        types: path to the type of field; empty where nobody describes it, and the value tells.
    """

    values: Callable[[str], Any]
    labels: Callable[[str], Any]
    now: datetime
    zone: str = "UTC"
    changes: dict[str, list[Any]] | None = None
    types: Callable[[str], str] = lambda path: ""
    hides: Callable[[str], bool] = lambda _path: False
