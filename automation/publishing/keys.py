"""Keys of rules, under which later texts read their values: what one may be, and a free one."""

from __future__ import annotations

import re
from collections.abc import Iterable

KEY = re.compile(r"[-a-zA-Z0-9_]{1,40}")


def free_key(base: str, used: Iterable[str]) -> str:
    """A key that no rule of the place has, made of a word."""
    taken = set(used)
    stem = re.sub(r"[^a-z0-9_]", "_", base.lower())[:36] or "rule"
    return next(key for key in (stem, *(f"{stem}_{n}" for n in range(2, len(taken) + 3))) if key not in taken)
