"""Paying online: accounts at providers, pages that customers pay on, links that lead there."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.ground import clock, vault
from crm.ground.columns.decimals import ExactSum, MoneyField
from crm.ground.sentences import SentenceField, said
from crm.models import Item, Refused
from documents.models.balances import Balance
from documents.providers.base import providers


class PaymentAccount(models.Model):
    """Our account at a payment provider."""

    name = models.CharField(_("name"), max_length=80)
    provider = models.CharField(_("provider"), max_length=40)
    settings = models.JSONField(default=dict, blank=True)
    secret = models.TextField(blank=True, editable=False)  # encrypted; see crm/ground/vault.py
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("payment account")
        verbose_name_plural = _("payment accounts")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def first(cls) -> PaymentAccount | None:
        """The one that customers pay with: the oldest active one without a fault."""
        for account in cls.objects.filter(is_active=True):
            if not account.fault():
                return account
        return None

    def opened(self) -> Any:
        """Its provider, with the settings. Raises Refused where the app is no longer installed."""
        found = providers.get(self.provider)
        if found is None:
            raise Refused(said("payment.no_provider", "The payment provider “%s” is not installed.") % self.provider)
        return found(self, self.settings | vault.unlock(self.secret))

    def fault(self) -> str:
        try:
            return str(self.opened().fault())
        except Refused as refused:
            return str(refused.sentence)


class Checkout(models.Model):
    """One page of a provider on which an invoice can be paid."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        PAID = "paid", _("paid")
        ODD = "odd", _("paid otherwise than asked: please look")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    invoice = models.ForeignKey(Item, models.PROTECT, related_name="checkouts", verbose_name=_("invoice"))
    account = models.ForeignKey(PaymentAccount, models.PROTECT, related_name="checkouts", verbose_name=_("account"))
    # The payment link under which it was opened; what was paid under it is not asked for there again.
    link = models.ForeignKey("PaymentLink", models.SET_NULL, null=True, blank=True, related_name="checkouts")
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    provider_id = models.CharField(_("number at the provider"), max_length=200, blank=True, db_index=True)
    url = models.TextField(blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.OPEN)
    error = SentenceField(_("error"), blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)

    class Meta:
        verbose_name = _("online payment")
        verbose_name_plural = _("online payments")
        indexes = [models.Index(fields=["invoice", "-created_at"], name="checkouts_of_invoice")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def still_open(invoice: Item) -> Decimal:
    """What of the invoice is neither paid nor credited; nothing of one that is void or deleted, nor of what is no invoice."""
    flow = getattr(invoice.pipeline, "invoice_flow", None)
    if invoice.deleted_at is not None or flow is None or invoice.stage_id == flow.void_id:
        return Decimal(0)
    return max(Balance.of(invoice).open, Decimal(0))


class PaymentLink(models.Model):
    """A secret address under which one invoice, or a part of it, can be paid. Looked up by its hash."""

    invoice = models.ForeignKey(Item, models.CASCADE, related_name="payment_links", verbose_name=_("invoice"))
    # Empty: whatever is still open when the customer comes.
    amount = MoneyField(_("amount"), null=True, blank=True)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("payment link")
        verbose_name_plural = _("payment links")

    def __str__(self) -> str:
        return f"payment link of invoice {self.invoice_id}"

    @staticmethod
    def digest(token: str) -> str:
        return hashlib.sha256(f"pay:{token}".encode()).hexdigest()

    @classmethod
    def make(cls, invoice: Item, amount: Decimal | None = None) -> str:
        """A new link's address."""
        token = secrets.token_urlsafe(32)
        cls.objects.create(invoice=invoice, amount=amount, hash=cls.digest(token))
        return str(settings.PUBLIC_URL) + reverse("pay", args=[token])

    @classmethod
    def read(cls, token: str) -> PaymentLink | None:
        rows = cls.objects.filter(hash=cls.digest(token), revoked_at=None, invoice__deleted_at=None)
        return rows.select_related("invoice__pipeline", "invoice__contact", "invoice__parent").first()

    def asked(self) -> Decimal:
        """What is to be paid now; nothing once it is paid."""
        open_ = still_open(self.invoice)
        if self.amount is None:
            return open_
        paid = self.checkouts.filter(status=Checkout.Status.PAID).aggregate(sum=ExactSum("amount"))["sum"]
        return max(min(open_, self.amount - (paid or Decimal(0))), Decimal(0))
