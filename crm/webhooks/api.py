"""Webhooks for programs: addresses that are told of events, and what became of each delivery."""

from __future__ import annotations

from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field, StrictBool

from crm.api.auth import scope
from crm.api.errors import answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Page, Reasoned, Visible, moment, reason_out
from crm.ground.refused import Forbidden
from crm.items import customer_rights
from crm.people.signed_in import signed_in
from crm.pipelines import rights
from crm.webhooks import calls as webhooks
from crm.webhooks.models import Webhook, WebhookDelivery

router = Router(tags=["webhooks"])


class WebhookOut(Schema):
    id: int
    name: str
    url: str
    kinds: list[str]
    is_active: bool


class WebhookMade(WebhookOut):
    secret: str = Field(description="Shown this once; it signs every call (Standard Webhooks).")


class WebhookIn(Schema):
    model_config = {"extra": "forbid"}
    name: Annotated[Visible, Field(max_length=80)]
    url: str = Field(min_length=1, max_length=500, description="HTTPS on 443 or 8443, a public address.")
    kinds: list[str] = Field(
        default=[], max_length=50, description="`stage.entered`, or `email.` for all that begin so."
    )


class WebhookChange(Schema):
    model_config = {"extra": "forbid"}
    name: Annotated[Visible, Field(max_length=80)] | None = None
    url: str | None = Field(default=None, min_length=1, max_length=500)
    kinds: list[str] | None = Field(default=None, max_length=50)
    is_active: StrictBool | None = None


class DeliveryOut(Reasoned):
    id: int
    event: int | None
    status: str
    http_status: int | None
    created_at: str | None


def webhook_out(row: Webhook) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "url": row.url, "kinds": row.kinds, "is_active": row.is_active}


def delivery_out(row: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": row.pk,
        "event": row.event_id,
        "status": row.status,
        "http_status": row.http_status,
        **reason_out(row.error),
        "created_at": moment(row.created_at),
    }


def _mine(request: HttpRequest) -> Any:
    """One's own; administrators' tokens reach all."""
    user: Any = request.user
    if not customer_rights.works_here(user):
        return Webhook.objects.none()
    return Webhook.objects.all() if user.is_superuser else Webhook.objects.filter(owner=user)


def _saved(row: Webhook) -> Webhook:
    """Raises 422 by field: an address inside our own network, kinds that are no texts."""
    try:
        row.full_clean(exclude=["owner"])
    except ValidationError as error:
        raise invalid({name: list(words) for name, words in error.message_dict.items()}) from error
    row.save()
    webhooks.forget_subscriptions()
    return row


@router.get("/webhooks", response=answers(Page[WebhookOut]), summary="Webhooks")
@scope("read")
def hooks(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "") -> Any:
    only(request)
    return page_of(_mine(request), webhook_out, limit, cursor)


@router.post("/webhooks", response=answers(WebhookMade, 201), summary="Be told of events")
@scope("webhooks")
def add(request: HttpRequest, payload: WebhookIn) -> Any:
    """It hears of the items that the token's person sees. Without kinds only rules call it."""
    if not customer_rights.works_here(signed_in(request)):
        raise Forbidden(rights.REFUSALS["view"])
    row = _saved(Webhook(owner=signed_in(request), name=payload.name, url=payload.url, kinds=payload.kinds))
    return Status(201, webhook_out(row) | {"secret": row.open_secret()})


@router.get("/webhooks/{pk}", response=answers(WebhookOut), summary="One webhook")
@scope("read")
def hook(request: HttpRequest, pk: Id) -> Any:
    only(request)
    return webhook_out(one(_mine(request), pk))


@router.patch("/webhooks/{pk}", response=answers(WebhookOut), summary="Change a webhook, or switch it off")
@scope("webhooks")
@idempotent
def change(request: HttpRequest, pk: Id, payload: WebhookChange) -> Any:
    row = one(_mine(request), pk)
    for name, value in payload.model_dump(exclude_unset=True, exclude_none=True).items():
        setattr(row, name, value)
    return webhook_out(_saved(row))


@router.delete("/webhooks/{pk}", response=answers(None, 204), summary="Delete a webhook and its deliveries")
@scope("webhooks")
def delete(request: HttpRequest, pk: Id) -> Any:
    one(_mine(request), pk).delete()
    webhooks.forget_subscriptions()
    return Status(204, None)


@router.get("/webhooks/{pk}/deliveries", response=answers(Page[DeliveryOut]), summary="What became of its calls")
@scope("read")
def deliveries(request: HttpRequest, pk: Id, limit: Limit = 50, cursor: Cursor = "") -> Any:
    only(request)
    return page_of(one(_mine(request), pk).deliveries.all(), delivery_out, limit, cursor)


@router.post("/deliveries/{pk}/again", response=answers(DeliveryOut), summary="Deliver again, with the same id")
@scope("webhooks")
@idempotent
def again(request: HttpRequest, pk: Id) -> Any:
    row = one(WebhookDelivery.objects.filter(webhook__in=_mine(request)), pk)
    if row.status != WebhookDelivery.Status.PLANNED:
        webhooks.redeliver(row)
        row.refresh_from_db()
    return delivery_out(row)
