"""Money that came in for an invoice, or went back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.columns.decimals import MoneyField
from crm.ground.columns.moments import DayField
from crm.ground.decimals import MONEY
from crm.ground.sentences import first_of, said
from crm.models import Cause, Gone, Item, Refused, Role, User
from documents.models.balances import Balance
from documents.models.invoicing import InvoiceFlow


class PaymentQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """Payments of items that the person sees; of erased customers to those alone who keep the books."""
        rows = self.filter(invoice__in=Item.objects.visible_to(user))
        closed = models.Q(invoice__contact__erased_at__isnull=False)
        return rows.exclude(closed & ~models.Exists(Role.objects.of(user).filter(keeps_books=True)))


class Payment(models.Model):
    class Method(models.TextChoices):
        TRANSFER = "transfer", _("bank transfer")
        CASH = "cash", _("cash")
        CARD = "card", _("card")
        OTHER = "other", _("other")

    invoice = models.ForeignKey(Item, models.PROTECT, related_name="payments", verbose_name=_("invoice"))
    # Below zero: paid back.
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    method = models.CharField(_("paid by"), max_length=10, choices=Method.choices, default=Method.TRANSFER)
    paid_on = DayField(_("paid on"))
    reference = models.CharField(_("reference"), max_length=140, blank=True)
    # The provider's id: the same payment reported twice is one.
    provider_key = models.CharField(max_length=120, null=True, blank=True, unique=True, editable=False)
    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["paid_on", "pk"]
        verbose_name = _("payment")
        verbose_name_plural = _("payments")

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @classmethod
    def book(
        cls,
        invoice: Item,
        amount: Decimal,
        *,
        currency: str,
        paid_on: date,
        method: str = Method.TRANSFER,
        reference: str = "",
        by: User | None = None,
        provider_key: str | None = None,
    ) -> Payment | None:
        """Money for an invoice: the row, the invoice's move, and an event of the invoice and of its deal.

        Args:
            amount: in `currency`; below zero it is paid back.
            by: whose right to edit the invoice counts; None for the system (a provider's report).
            provider_key: the provider's id; None is returned for one that is booked already.
        Raises Refused in words, Forbidden.
        """
        if not amount:
            raise Refused(said("payment.nothing", "An amount of nothing is no payment."))
        if currency != invoice.currency:
            words = {"paid": currency, "asked": invoice.currency}
            raise Refused(said("payment.currency", "Paid in %(paid)s, but the invoice is in %(asked)s.") % words)
        try:
            MONEY.check(amount)
        except ValidationError as error:
            raise Refused(first_of(error)) from error
        return databases.persistently(
            lambda: cls._book(invoice, amount, currency, paid_on, method, reference, by, provider_key)
        )

    @classmethod
    def _book(
        cls,
        invoice: Item,
        amount: Decimal,
        currency: str,
        paid_on: date,
        method: str,
        reference: str,
        by: User | None,
        provider_key: str | None,
    ) -> Payment | None:
        fresh = databases.lock(Item.objects.alive().filter(pk=invoice.pk)).first()
        if fresh is None:
            raise Gone(said("item.is_deleted", "This item was deleted."))
        if by is not None:
            fresh.require(by, "edit")
            # What a provider reports is money that came: it is kept on whatever it was asked for.
            if not hasattr(fresh.pipeline, "invoice_flow"):
                raise Refused(said("payment.no_invoice", "This card is no invoice."))
        if provider_key and cls.objects.filter(provider_key=provider_key).exists():
            return None
        payment = cls.objects.create(
            invoice=fresh,
            amount=amount,
            currency=currency,
            method=method,
            paid_on=paid_on,
            reference=reference[:140],
            provider_key=provider_key,
            author=by,
        )
        balance = Balance.of(fresh)
        paid = balance.paid
        whole = balance.open <= 0
        payload = {
            "invoice": fresh.pk,
            "title": fresh.title,
            "amount": str(amount),
            "paid": str(paid),
            "total": str(balance.owed),
            "currency": currency,
            "full": whole,
            "method": method,
        }
        kind = "invoice.paid" if amount > 0 else "invoice.refunded"
        InvoiceFlow.balance_changed(fresh, by, Cause() if by else Cause("system"))
        for item in filter(None, (fresh, fresh.parent)):
            record(kind, item=item, actor=by, payload=payload)
        return payment
