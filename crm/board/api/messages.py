"""Messages for programs."""

from __future__ import annotations

from typing import Any, Literal

from django.db import transaction
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from crm.api.auth import scope
from crm.api.errors import answers
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, only, page_of
from crm.api.schemas import (
    MessageOut,
    Page,
    message_out,
)
from crm.board.api.items import changeable
from crm.ground.refused import Forbidden
from crm.items import customer_rights
from crm.messages import sending
from crm.messages.models.messages import Message
from crm.messages.outgoing import Outgoing
from crm.people.signed_in import signed_in

router = Router()


def _messages(request: HttpRequest) -> Any:
    return Message.objects.filter(item__isnull=False).visible_to(signed_in(request)).select_related("channel")


@router.get("/messages", response=answers(Page[MessageOut]), summary="Messages", tags=["messages"])
@scope("read")
def messages(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", item: Id | None = None) -> Any:
    only(request, "item")
    rows = _messages(request)
    return page_of(rows.filter(item_id=item) if item is not None else rows, message_out, limit, cursor)


class MessageIn(Schema):
    model_config = {"extra": "forbid"}
    item: Id
    medium: Literal["email", "sms"]
    text: str = Field(min_length=1, max_length=50000)
    subject: str = Field(default="", max_length=250)


@router.post("/messages", response=answers(MessageOut, 201), summary="Write to the item's customer", tags=["messages"])
@scope("send")
@idempotent
def send(request: HttpRequest, payload: MessageIn) -> Any:
    """Only to the customer's own address or number. 422 *cannot_send* says why not."""
    item = changeable(request, payload.item)
    contact = item.contact
    if not customer_rights.shows(signed_in(request), item):
        raise Forbidden(customer_rights.REFUSALS["view"])
    to = "" if contact is None else contact.email(item) if payload.medium == "email" else contact.phone("mobile", item)
    with transaction.atomic():
        message = sending.queue_message(
            Outgoing(
                channel=sending.channel_for(payload.medium),
                to=to,
                subject=payload.subject,
                text=payload.text,
                contact=contact,
                item=item,
                author=signed_in(request),
                language=contact.language if contact else "",
                survives_leaving=True,
            )
        )
    return Status(201, message_out(message))
