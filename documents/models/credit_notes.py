"""What takes back an invoice or a part of it: a paper with a number of its own that names the invoice and says why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.amounts import Amount
from crm.ground.columns.decimals import MoneyField
from crm.ground.sentences import said
from crm.items.models.lines import Totals, rounded, total_of
from crm.models import Cause, Gone, Item, LineItem, Refused, User
from documents import making
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
    # The form's own mark: sent twice, it is one credit note.
    mark = models.CharField(max_length=40, null=True, unique=True, editable=False)
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
        mark: str | None = None,
    ) -> CreditNote:
        """Paper, row, the invoice's move and an event of invoice and deal, in one transaction.

        Args:
            lines: what is taken back; None: all that is left of what the invoice lists.
            by: whose right to edit the invoice counts; None for the system.
            mark: of the form that was filled in; with a known one the note that is there is returned.
        Raises Refused in words, Forbidden, merge.MergeError.
        """
        asked: dict[str, Any] = {"by": by, "cause": cause, "stamped": stamped, "mark": mark}
        return databases.persistently(lambda: cls._make(invoice, template, reason, lines, **asked))

    @classmethod
    def _make(
        cls,
        invoice: Item,
        template: DocumentTemplate,
        reason: str,
        lines: list[Line] | None,
        *,
        by: User | None,
        cause: Cause,
        stamped: bool,
        mark: str | None,
    ) -> CreditNote:
        fresh = databases.lock(Item.objects.alive().filter(pk=invoice.pk)).first()
        if fresh is None:
            raise Gone(said("item.is_deleted", "This item was deleted."))
        if by is not None:
            fresh.require(by, "edit")
        twice = cls.objects.filter(mark=mark, invoice=fresh).first() if mark else None
        if twice is not None:
            return twice
        paper = cls.paper_of(fresh)
        if template.kind != Kind.CREDIT_NOTE:
            raise Refused(said("credit.not_template", "“%s” is no template of credit notes.") % template.name)
        if not reason.strip():
            raise Refused(said("credit.no_reason", "A credit note says why."))
        known = listed(fresh)
        asked = rest_of(fresh, known) if lines is None else lines
        credited, total = _credited(fresh, paper, known, asked, reason.strip()[:300])
        document = making.make(template, fresh, by=by, stamped=stamped, depth=cause.depth, credited=credited)
        made = cls.objects.create(
            invoice=fresh, document=document, corrects=paper, amount=total, currency=fresh.currency,
            reason=credited.reason, author=by, mark=mark, quantities=_at_full_price(known, asked),
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
        return paper


def _credited(
    invoice: Item, paper: Document, known: list[LineItem], asked: list[Line], reason: str
) -> tuple[Credited, Decimal]:
    """What the paper prints, and its sum with tax. Raises Refused for what cannot be taken back (any more)."""
    _require_as_printed(invoice, paper)
    credited = Credited(paper, [_part(known, one, invoice.currency) for one in asked], reason)
    total = total_of(credited.lines, invoice.currency)
    _require_left(invoice, known, asked)
    if _is_all(invoice, known, asked):
        # What earlier notes were rounded by is made up here: all notes together are the invoice, rate by rate.
        credited = replace(credited, totals=_totals_left(invoice, known))
        total = credited.totals.gross if credited.totals else total
    left = Balance.of(invoice).owed
    if not 0 < total <= left:
        words = {"sum": Amount(total, invoice.currency), "left": Amount(left, invoice.currency)}
        sentence = said("credit.too_much", "%(sum)s cannot be credited; the invoice still comes to %(left)s.")
        raise Refused(sentence % words)
    return credited, total


def _require_as_printed(invoice: Item, paper: Document) -> None:
    """A credit note takes back what the paper says. Raises Refused where the card says something else by now."""
    printed = str(paper.data.get("totals", {}).get("gross", ""))
    if printed and Decimal(printed) != (invoice.amount or 0):
        sentence = said("credit.changed", "The card does not come to what %s says; make its next version first.")
        raise Refused(sentence % paper.number)


def listed(invoice: Item) -> list[LineItem]:
    """The invoice's lines; one without lines is a line of its whole amount."""
    known = list(invoice.lines.select_related("product"))
    return known or [LineItem(name=invoice.title, quantity=Decimal(1), price=invoice.amount or Decimal(0))]


def _valid(invoice: Item) -> models.QuerySet[CreditNote]:
    return CreditNote.objects.filter(invoice=invoice).exclude(document__status=Document.Status.VOID)


def left_of(invoice: Item, known: list[LineItem]) -> list[Decimal]:
    """How much of each line no valid credit note has taken back at its full price."""
    left = [line.quantity for line in known]
    for quantities in _valid(invoice).values_list("quantities", flat=True):
        for number, quantity in quantities.items():
            if 1 <= int(number) <= len(left):
                left[int(number) - 1] -= Decimal(quantity)
    return [amount if amount * line.quantity > 0 else Decimal(0) for amount, line in zip(left, known, strict=True)]


def rest_of(invoice: Item, known: list[LineItem]) -> list[Line]:
    return [Line(number, quantity) for number, quantity in enumerate(left_of(invoice, known), 1) if quantity]


def _is_full(known: list[LineItem], asked: Line) -> bool:
    return asked.price is None or asked.price == known[asked.number - 1].price


def _at_full_price(known: list[LineItem], asked: list[Line]) -> dict[str, str]:
    return {str(one.number): format(one.quantity.normalize(), "f") for one in asked if _is_full(known, one)}


def _require_left(invoice: Item, known: list[LineItem], asked: list[Line]) -> None:
    """Raises Refused for a line that is asked for twice, or more of one than is left."""
    left = left_of(invoice, known)
    for place, one in enumerate(asked):
        if any(other.number == one.number for other in asked[:place]):
            raise Refused(said("credit.twice", "Line %d is named twice.") % one.number)
        if _is_full(known, one) and abs(one.quantity) > abs(left[one.number - 1]):
            words = {"line": known[one.number - 1].name, "left": left[one.number - 1].normalize() + 0}
            sentence = said("credit.line_left", "“%(line)s”: only %(left)s of it are left to be credited.")
            raise Refused(sentence % words)


def _is_all(invoice: Item, known: list[LineItem], asked: list[Line]) -> bool:
    wanted = {one.number: one.quantity for one in asked if _is_full(known, one)}
    rest = {one.number: one.quantity for one in rest_of(invoice, known)}
    priced = _valid(invoice).filter(quantities={}).exists()  # a part of a price was taken back before
    return len(wanted) == len(asked) and wanted == rest and not priced


def _totals_left(invoice: Item, known: list[LineItem]) -> Totals | None:
    """The invoice's totals less what earlier notes printed, rate by rate; None where they name other rates."""
    left = Totals.of(known, invoice.currency)
    rates = {rate.name or "–": rate for rate in left.rates}
    for data in _valid(invoice).values_list("document__data", flat=True):
        for printed in data.get("taxes", []):
            rate = rates.get(printed["name"])
            if rate is None:
                return None
            rate.net -= Decimal(printed["net"])
            rate.tax -= Decimal(printed["tax"])
            rate.gross -= Decimal(printed["gross"])
    left.rates = [rate for rate in left.rates if rate.gross or rate.net]
    return left


def _part(known: list[LineItem], asked: Line, currency: str) -> LineItem:
    """The line as far as it is credited. Raises Refused for one that is not there, or more of it than it had."""
    if not 1 <= asked.number <= len(known):
        raise Refused(said("credit.no_line", "The invoice has no line %d.") % asked.number)
    line = known[asked.number - 1]
    price = line.price if asked.price is None else asked.price
    within = 0 < asked.quantity / line.quantity <= 1 if line.quantity else False
    if not within or abs(price) > abs(line.price) or price * line.price < 0:
        raise Refused(said("credit.more_than_line", "“%s”: more cannot be credited than the line has.") % line.name)
    full = line.quantity * line.price
    share = asked.quantity * price / full if full else Decimal(1)
    made = LineItem(
        product=line.product, name=line.name, quantity=asked.quantity, unit=line.unit, price=price,
        discount=line.discount, tax_name=line.tax_name, tax_percent=line.tax_percent, tax_included=line.tax_included,
    )  # fmt: skip
    # Of a discount as an amount as large a part as of the line, in the currency's own decimals.
    made.discount_amount = rounded(line.discount_amount * share, currency) if line.discount_amount else Decimal(0)
    return made


def check_line(invoice: Item, asked: Line) -> None:
    """Raises Refused for a line that cannot be credited so."""
    known = listed(invoice)
    _part(known, asked, invoice.currency)
    _require_left(invoice, known, [asked])
