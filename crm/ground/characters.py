"""Texts from outside as both databases keep them: PostgreSQL has no NUL, neither has half of a pair of surrogates.

What people type into public pages loses such a character and is kept; what programs send is refused.
"""

from __future__ import annotations

import json
import unicodedata
from math import isfinite
from typing import Any

from django.http import QueryDict


class CannotKeep(ValueError):
    """JSON that can be read and not be kept: NUL, half a letter, a number without end, nested without end."""


def kept(text: str) -> str:
    """Without NUL; half a letter becomes the mark for one that cannot be read."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def is_blank(text: str) -> bool:
    """Nothing of it can be seen: blanks, marks without width, controls."""
    return all(unicodedata.category(one)[0] in "ZC" for one in text)


def posted(sent: QueryDict) -> QueryDict:
    """What a form sent, each value as it can be kept."""
    clean = QueryDict(mutable=True, encoding=sent.encoding)
    for name, values in sent.lists():
        clean.setlist(kept(name), [kept(value) for value in values])
    return clean


def read_json(body: bytes) -> Any:
    """Raises CannotKeep, and ValueError for what is no JSON."""
    try:
        data = json.loads(body, parse_constant=_refuse, parse_float=_finite)
        _check(data)
    except RecursionError as error:
        raise CannotKeep("nested too deeply") from error
    return data


def _refuse(word: str) -> Any:
    raise CannotKeep(word)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if isfinite(number) else _refuse(digits[:40])


def _check(data: Any) -> None:
    if isinstance(data, str):
        if kept(data) != data:
            raise CannotKeep("NUL or half a letter")
    elif isinstance(data, dict):
        for name, value in data.items():
            _check(name)
            _check(value)
    elif isinstance(data, list):
        for value in data:
            _check(value)
