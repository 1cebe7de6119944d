"""What the addresses of this layer share."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router
from pydantic import Field

from crm.api.errors import invalid
from crm.board.api.items import visible as visible_items
from crm.models import Item

router = Router(tags=["documents"])
Money = Annotated[str, Field(pattern=r"^-?[0-9]{1,13}(\.[0-9]{1,2})?$", description="A number as text, with a dot.")]


def item_of(request: HttpRequest, pk: int, action: str) -> Item:
    found = visible_items(request).filter(pk=pk).first()
    if found is None:
        raise invalid({"item": [_("There is no such item.")]})
    found.require(request.user, action)
    return found
