"""What an invoice comes to: its amount less what was credited, what was paid, and what is open. One place for all of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from crm.ground.columns.decimals import ExactSum
from crm.models import Item
from documents.models.papers import Document


@dataclass(frozen=True)
class Balance:
    """Of one invoice, in its own currency.

    Args:
        amount: as it was made out. credited: by credit notes that are valid. paid: less what was paid back.
    """

    amount: Decimal
    credited: Decimal
    paid: Decimal

    @property
    def owed(self) -> Decimal:
        """What the customer has to pay in all; nothing where the card was changed to less than was credited."""
        return max(self.amount - self.credited, Decimal(0))

    @property
    def open(self) -> Decimal:
        """What is still to be paid; below zero: to be paid back."""
        return self.owed - self.paid

    @classmethod
    def of(cls, invoice: Item) -> Balance:
        return cls.of_many([invoice])[invoice.pk]

    @classmethod
    def of_many(cls, invoices: Iterable[Item]) -> dict[int, Balance]:
        """By the invoice's id; two questions for all of them."""
        rows = list(invoices)
        known = Item.objects.filter(pk__in=[row.pk for row in rows]).order_by().values_list("pk")
        valid = [status for status in Document.Status.values if status != Document.Status.VOID]
        credits = known.filter(credit_notes__document__status__in=valid)
        paid = dict(known.annotate(sum=ExactSum("payments__amount")))
        credited = dict(credits.annotate(sum=ExactSum("credit_notes__amount")))
        nothing = Decimal(0)
        return {
            row.pk: cls(row.amount or nothing, credited.get(row.pk) or nothing, paid.get(row.pk) or nothing)
            for row in rows
        }
