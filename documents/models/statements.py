"""A bank statement as a file: its lines are kept once, matched with invoices, and booked when somebody has looked."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.ground.columns.decimals import MoneyField
from crm.ground.columns.moments import DayField
from crm.models import Item, User
from documents.models.payments import Payment


class StatementQuerySet(models.QuerySet["Statement"]):
    def visible_to(self, user: User) -> Self:
        """One's own; administrators see all."""
        return self if user.is_superuser else self.filter(author=user)


class Statement(models.Model):
    name = models.CharField(_("file"), max_length=200)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(_("read at"), default=clock.now)

    objects = StatementQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("bank statement")
        verbose_name_plural = _("bank statements")

    def __str__(self) -> str:
        return self.name


class StatementLine(models.Model):
    """Money on our account. Known by what the line says, so that the same file read twice brings nothing twice."""

    class Match(models.TextChoices):
        SURE = "sure", _("number and amount")
        NUMBER = "number", _("number only")
        PAYER = "payer", _("amount and payer")
        PAID = "paid", _("paid already")
        NONE = "none", _("not found")

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="lines")
    mark = models.CharField(max_length=64, unique=True, editable=False)
    paid_on = DayField(_("paid on"))
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    payer = models.CharField(_("payer"), max_length=200, blank=True)
    text = models.CharField(_("text"), max_length=500, blank=True)
    match = models.CharField(_("found by"), max_length=8, choices=Match.choices, default=Match.NONE)
    invoice = models.ForeignKey(
        Item, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("invoice")
    )
    payment = models.OneToOneField(
        Payment, models.SET_NULL, null=True, blank=True, related_name="statement_line", verbose_name=_("payment")
    )
    # Looked at, and no payment of ours.
    dismissed = models.BooleanField(_("not ours"), default=False)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("line of a statement")
        verbose_name_plural = _("lines of statements")

    def __str__(self) -> str:
        return f"{self.paid_on} {self.amount} {self.currency}"
