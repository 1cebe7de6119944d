"""Lists by cursor: a page goes on after the last row of the one before, however much was added meanwhile."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from ninja import Query
from pydantic import BeforeValidator, Field

from crm.ground.ids import id_of
from crm.items.filters import BadFilter

MOST = 200
Limit = Annotated[int, Query(50, ge=1, le=MOST, description="Rows a page, at most 200.")]
Cursor = Annotated[str, Query("", max_length=100, description="`next` of the page before; empty for the first.")]


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed")  # to Python, true is 1
    return value


Id = Annotated[int, BeforeValidator(_no_boolean), Field(ge=1, le=2**63 - 1)]


def page_of(rows: QuerySet[Any], shown: Callable[[Any], Any], limit: int, cursor: str) -> dict[str, Any]:
    """The rows by falling id, as {"items": […], "next": cursor or null}. Raises BadFilter for a cursor not of ours."""
    rows = rows.order_by("-pk")
    if cursor:
        rows = rows.filter(pk__lt=_read(cursor))
    found = list(rows[: limit + 1])
    more = len(found) > limit
    return {"items": [shown(row) for row in found[:limit]], "next": _write(found[limit - 1].pk) if more else None}


def one(rows: QuerySet[Any], pk: int) -> Any:
    """The row of the queryset. Raises Http404."""
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _write(pk: int) -> str:
    return base64.urlsafe_b64encode(f"after:{pk}".encode()).decode()


def _read(cursor: str) -> int:
    try:
        word, _colon, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        found = id_of(number)
        if word == "after" and found is not None:
            return found
    except (binascii.Error, ValueError):
        pass
    raise BadFilter("cursor", _("This cursor is not one of ours."))


def only(request: HttpRequest, *names: str) -> None:
    """Raises BadFilter for a parameter that the operation does not know: a misspelt filter must not answer all."""
    for name in request.GET:
        if name not in names and name not in ("limit", "cursor"):
            raise BadFilter(name, _("There is no filter “%s”.") % name)
