"""Calls, from any telephone system."""

from __future__ import annotations

from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field, StrictBool

from crm.api.auth import scope
from crm.api.errors import answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, only, page_of
from crm.api.schemas import (
    EventOut,
    Moment,
    Page,
    event_out,
)
from crm.board.api.items import API, changeable
from crm.events.models import Event
from crm.ground import phones
from crm.items import calls as calls_of_items
from crm.items import customer_rights
from crm.items.models.items import Item
from crm.people.exceptions import SenderException
from crm.people.models import Contact
from crm.people.signed_in import signed_in

router = Router()


class CallIn(Schema):
    model_config = {"extra": "forbid"}
    direction: Literal["in", "out"]
    number: str = Field(min_length=3, max_length=40, description="The customer's number.")
    own_number: str = Field(default="", max_length=40, description="Our number that was called, or shown.")
    answered: StrictBool
    seconds: int = Field(default=0, ge=0, le=86400)
    item: Id | None = Field(default=None, description="Empty: the newest open item of the contact with this number.")
    started_at: Moment | None = None
    note: str = Field(default="", max_length=2000)
    id: str = Field(default="", max_length=80, description="The telephone system's own id: a repeat is one call.")


@router.post("/calls", response=answers(EventOut, 201), summary="Log a call", tags=["calls"])
@scope("write")
@idempotent
def log_call(request: HttpRequest, payload: CallIn) -> Any:
    try:
        number = phones.parse(payload.number)
    except ValidationError as error:
        raise invalid({"number": error.messages}) from error
    try:
        own_number = str(phones.parse(payload.own_number)) if payload.own_number else ""
    except ValidationError as error:
        raise invalid({"own_number": error.messages}) from error
    if payload.direction == "in" and SenderException.objects.turns_away(numbers=[number]):
        raise invalid({"number": [_("It stands on the list of exceptions: the call was counted, and is not kept.")]})
    contact = Contact.objects.visible_to(signed_in(request)).answering(number)
    if payload.item:
        item: Any = changeable(request, payload.item)
    else:
        rows = (
            Item.objects.visible_to(signed_in(request))
            .select_related("stage", "lost_reason")
            .reached_by(signed_in(request), "edit")
            .filter(contact=contact, stage__kind="open")
            if contact
            else Item.objects.none()
        )
        item = rows.order_by("-created_at").first()
    if item is None and contact is None:
        raise invalid({"number": [_("Nobody with this number is known.")]})
    key = f"call:{request.user.pk}:{payload.id}" if payload.id else None
    event = calls_of_items.log(
        by=signed_in(request),
        number=number,
        is_incoming=payload.direction == "in",
        is_answered=payload.answered,
        item=item,
        contact=contact,
        own_number=own_number,
        seconds=payload.seconds,
        note=payload.note,
        started_at=payload.started_at,
        cause=API,
        key=key,
    )
    return Status(201, event_out(event or Event.objects.get(key=key, actor=signed_in(request))))


@router.get("/calls", response=answers(Page[EventOut]), summary="Calls", tags=["calls"])
@scope("read")
def calls(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", item: Id | None = None) -> Any:
    only(request, "item")
    rows = Event.objects.filter(kind__startswith="call.", item__in=Item.objects.visible_to(signed_in(request)))
    rows = rows.exclude(customer_rights.concealed(signed_in(request))).select_related("actor")
    return page_of(rows.filter(item_id=item) if item is not None else rows, event_out, limit, cursor)
