"""Webhooks: addresses of others that we call, each call, and addresses of ours that others call."""

from __future__ import annotations

import base64
import secrets
import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.events.models import Event
from crm.ground import clock, safe_http, vault
from crm.ground.sentences import SentenceField
from crm.people.models import User
from crm.work.models import Job


def new_secret() -> str:
    """A secret as Standard Webhooks spells it: whsec_ and 256 bits in Base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def locked_secret() -> str:
    return vault.lock({"secret": new_secret()})


def new_token() -> str:
    return secrets.token_urlsafe(24)


class Webhook(models.Model):
    """An address that is told of events, or that rules call."""

    name = models.CharField(_("name"), max_length=80)
    url = models.CharField(_("address"), max_length=500)
    secret = models.TextField(default=locked_secret, editable=False)  # encrypted; see crm/ground/vault.py
    kinds = models.JSONField(
        _("kinds of events"),
        default=list,
        blank=True,
        help_text=_("Such as stage.entered, or email. for all that begin so. Empty: none; only rules call it."),
    )
    owner = models.ForeignKey(
        User,
        models.CASCADE,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("It hears of the items that this person sees."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            safe_http.check(self.url)
        except safe_http.Unsafe as error:
            raise ValidationError({"url": str(error)}) from error
        if not isinstance(self.kinds, list) or not all(isinstance(kind, str) for kind in self.kinds):
            raise ValidationError({"kinds": _('A list of texts: ["stage.entered"].')})

    def open_secret(self) -> str:
        return str(vault.unlock(self.secret).get("secret", ""))

    def wants(self, kind: str) -> bool:
        return any(kind == wanted or (wanted.endswith(".") and kind.startswith(wanted)) for wanted in self.kinds)


def message_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


class WebhookDelivery(models.Model):
    """One call to a webhook: what was sent, what was answered."""

    class Status(models.TextChoices):
        PLANNED = "planned", _("planned")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", verbose_name=_("webhook"))
    event = models.ForeignKey(Event, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("event"))
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("job"))
    # The receiver tells repeats by it: it stays the same over all tries and redeliveries.
    message_id = models.CharField(_("number of the message"), max_length=60, default=message_id)
    body = models.TextField(_("body"))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PLANNED)
    http_status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    answer = models.TextField(_("text of the answer"), blank=True)
    error = SentenceField(_("error"), blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        indexes = [models.Index(fields=["webhook", "-created_at"], name="delivery_of_webhook")]

    def __str__(self) -> str:
        return self.message_id


class InboundHook(models.Model):
    """An address of ours that programs POST to; triggers wait for what comes in."""

    class FindBy(models.TextChoices):
        ID = "id", _("the item's number")
        EXTERNAL = "external_id", _("the item's external id")
        PHONE = "phone", _("the customer's phone")
        EMAIL = "email", _("the customer's e-mail")

    name = models.CharField(_("name"), max_length=80)
    token = models.CharField(max_length=60, unique=True, default=new_token, editable=False)
    secret = models.TextField(default=locked_secret, editable=False)
    must_sign = models.BooleanField(
        _("signed calls only"), default=False, help_text=_("By Standard Webhooks, with this hook's secret.")
    )
    find_by = models.CharField(_("finds the item by"), max_length=12, choices=FindBy.choices, default=FindBy.ID)
    path = models.CharField(
        _("place in the JSON"), max_length=100, default="item", help_text=_("Such as data.customer.phone")
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("incoming webhook")
        verbose_name_plural = _("incoming webhooks")

    def __str__(self) -> str:
        return self.name

    def open_secret(self) -> str:
        return str(vault.unlock(self.secret).get("secret", ""))

    def address(self) -> str:
        return f"{settings.PUBLIC_URL}/hooks/{self.token}/"


class InboundCall(models.Model):
    """What came in: kept before it is processed; the same id twice is one call."""

    hook = models.ForeignKey(InboundHook, models.CASCADE, related_name="calls", verbose_name=_("incoming webhook"))
    key = models.CharField(_("key"), max_length=120)
    body = models.JSONField(_("body"), default=dict)
    result = SentenceField(_("result"), blank=True)
    item = models.ForeignKey(
        "crm.Item", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("item")
    )
    created_at = models.DateTimeField(_("created"), default=clock.now)

    class Meta:
        verbose_name = _("incoming call")
        verbose_name_plural = _("incoming calls")
        constraints = [models.UniqueConstraint(fields=["hook", "key"], name="one_inbound_call_a_key")]

    def __str__(self) -> str:
        return self.key


def dig(body: Any, path: str) -> Any:
    """The value at "data.customer.0.phone" in parsed JSON; None where there is none."""
    here = body
    for part in filter(None, path.split(".")):
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and part.isascii() and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here
