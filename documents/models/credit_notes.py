"""What takes back an invoice or a part of it: a paper with a number of its own that names the invoice and says why."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm import clock, databases
from crm.amounts import Amount
from crm.events import record
from crm.models import Cause, Gone, Item, LineItem, Refused, User
from crm.models.decimals import MoneyField
from crm.models.lines import total_of
from crm.sentences import said
from documents.models.balances import Balance
from documents.models.invoicing import InvoiceFlow
from documents.models.papers import Credited, Document
from documents.models.templates import DocumentTemplate, Kind


@dataclass(frozen=True)
class Line:
    """A line of the invoice as far as it is credited.

    Args:
        number: its place on the invoice, from 1.
        quantity: how much of it; a price lower than the line's own takes back a part of the price.
    """

    number: int
    quantity: Decimal
    price: Decimal | None = None


class CreditNoteQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        return self.filter(document__in=Document.objects.visible_to(user))


class CreditNote(models.Model):
    invoice = models.ForeignKey(Item, models.PROTECT, related_name="credit_notes", verbose_name=_("invoice"))
    document = models.OneToOneField(Document, models.CASCADE, related_name="credit_note", verbose_name=_("document"))
    # The paper that it corrects; the invoice may have another one by now.
    corrects = models.ForeignKey(Document, models.CASCADE, related_name="corrected_by", verbose_name=_("corrects"))
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    # By a line's number, as text: how much of it was taken back at its full price.
    quantities = models.JSONField(default=dict, editable=False)
    reason = models.CharField(_("reason"), max_length=300)
    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(_("made at"), default=clock.now, editable=False)

    objects = CreditNoteQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = _("credit note")
        verbose_name_plural = _("credit notes")

    def __str__(self) -> str:
        return str(self.document)

    @classmethod
    def make(
        cls,
        invoice: Item,
        template: DocumentTemplate,
        reason: str,
        lines: list[Line] | None = None,
        *,
        by: User | None = None,
        cause: Cause = Cause(),
        stamped: bool = False,
    ) -> CreditNote:
        """Paper, row, the invoice's move and an event of invoice and deal, in one transaction.

        Args:
            lines: what is taken back; None: all that is left of what the invoice lists.
            by: whose right to edit the invoice counts; None for the system.
        Raises Refused in words, Forbidden, merge.MergeError.
        """
        return databases.persistently(lambda: cls._make(invoice, template, reason, lines, by, cause, stamped))

    @classmethod
    def _make(
        cls,
        invoice: Item,
        template: DocumentTemplate,
        reason: str,
        lines: list[Line] | None,
        by: User | None,
        cause: Cause,
        stamped: bool,
    ) -> CreditNote:
        fresh = databases.lock(Item.objects.alive().filter(pk=invoice.pk)).first()
        if fresh is None:
            raise Gone(said("item.is_deleted", "This item was deleted."))
        if by is not None:
            fresh.require(by, "edit")
        paper = cls.paper_of(fresh)
        if template.kind != Kind.CREDIT_NOTE:
            raise Refused(said("credit.not_template", "“%s” is no template of credit notes.") % template.name)
        if not reason.strip():
            raise Refused(said("credit.no_reason", "A credit note says why."))
        taken = lines_of(fresh, lines)
        total = total_of(taken, fresh.currency)
        left = Balance.of(fresh).owed
        if not 0 < total <= left:
            words = {"sum": Amount(total, fresh.currency), "left": Amount(left, fresh.currency)}
            sentence = said("credit.too_much", "%(sum)s cannot be credited; the invoice still comes to %(left)s.")
            raise Refused(sentence % words)
        credited = Credited(paper, taken, reason.strip()[:300])
        document = Document.make(template, fresh, by=by, stamped=stamped, depth=cause.depth, credited=credited)
        made = cls.objects.create(
            invoice=fresh, document=document, corrects=paper, amount=total, currency=fresh.currency,
            reason=credited.reason, author=by, quantities=_at_full_price(fresh, lines),
        )  # fmt: skip
        InvoiceFlow.balance_changed(fresh, by, cause)
        payload = {
            "invoice": fresh.pk, "title": fresh.title, "document": document.pk, "number": document.number,
            "corrects": paper.number, "amount": str(total), "currency": fresh.currency, "reason": made.reason,
        }  # fmt: skip
        for item in filter(None, (fresh, fresh.parent)):
            record("invoice.credited", item=item, actor=by, cause=cause, payload=payload)
        return made

    @staticmethod
    def paper_of(invoice: Item) -> Document:
        """The invoice's valid paper. Raises Refused where there is nothing to correct."""
        if not hasattr(invoice.pipeline, "invoice_flow"):
            raise Refused(said("payment.no_invoice", "This card is no invoice."))
        valid = invoice.documents.filter(kind=Kind.INVOICE).exclude(status=Document.Status.VOID)
        paper = valid.order_by("-pk").first()
        if paper is None:
            raise Refused(said("credit.no_paper", "There is no valid invoice to correct."))
        return paper  # type: ignore[no-any-return]


def lines_of(invoice: Item, asked: list[Line] | None = None) -> list[LineItem]:
    """Unsaved lines of a credit note, as the invoice lists them; an invoice without lines is one of its whole amount.

    Raises Refused for a line that is not there, or more of one than it had.
    """
    known = list(invoice.lines.select_related("product"))
    if not known:
        known = [LineItem(name=invoice.title, quantity=Decimal(1), price=invoice.amount or Decimal(0))]
    if asked is None:
        left = left_of(invoice, known)
        asked = [Line(number, quantity) for number, quantity in enumerate(left, 1) if quantity]
    made = []
    for one in asked:
        if not 1 <= one.number <= len(known):
            raise Refused(said("credit.no_line", "The invoice has no line %d.") % one.number)
        made.append(_part(known[one.number - 1], one))
    return made


def left_of(invoice: Item, known: list[LineItem]) -> list[Decimal]:
    """How much of each line no valid credit note has taken back at its full price."""
    left = [line.quantity for line in known]
    if invoice.pk is None:
        return left
    notes = CreditNote.objects.filter(invoice=invoice).exclude(document__status=Document.Status.VOID)
    for quantities in notes.values_list("quantities", flat=True):
        for number, quantity in quantities.items():
            if 1 <= int(number) <= len(left):
                left[int(number) - 1] -= Decimal(quantity)
    return [
        quantity if quantity * line.quantity > 0 else Decimal(0) for quantity, line in zip(left, known, strict=True)
    ]


def _at_full_price(invoice: Item, asked: list[Line] | None) -> dict[str, str]:
    known = list(invoice.lines.all())
    if asked is None:
        return {str(number): str(left) for number, left in enumerate(left_of(invoice, known), 1) if left}
    full = (one for one in asked if known and one.price in (None, known[one.number - 1].price))
    return {str(one.number): str(one.quantity) for one in full}


def _part(line: LineItem, asked: Line) -> LineItem:
    price = line.price if asked.price is None else asked.price
    within = 0 < asked.quantity / line.quantity <= 1 if line.quantity else False
    if not within or abs(price) > abs(line.price) or price * line.price < 0:
        raise Refused(said("credit.more_than_line", "“%s”: more cannot be credited than the line has.") % line.name)
    full = line.quantity * line.price
    share = asked.quantity * price / full if full else Decimal(1)
    # Of a discount as an amount as large a part as of the line.
    discount = (line.discount_amount * share).quantize(Decimal("0.01"))
    return LineItem(
        product=line.product, name=line.name, quantity=asked.quantity, unit=line.unit, price=price,
        discount=line.discount, discount_amount=discount, tax_name=line.tax_name, tax_percent=line.tax_percent,
        tax_included=line.tax_included,
    )  # fmt: skip
