"""Invoices are items with a pipeline of their own; this says which of its stages means what."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.sentences import said
from crm.items.listing import replace_lines
from crm.items.models.gate import MoveOptions
from crm.models import Cause, Item, LineItem, OwnCompany, Pipeline, Refused, Stage, User
from crm.pipelines import boards
from documents import making
from documents.models.balances import Balance
from documents.models.papers import Document
from documents.models.templates import DocumentTemplate, Kind


class InvoiceFlow(models.Model):
    pipeline = models.OneToOneField(Pipeline, models.CASCADE, related_name="invoice_flow", verbose_name=_("pipeline"))
    draft = models.ForeignKey(Stage, models.PROTECT, related_name="+", verbose_name=_("draft"))
    sent = models.ForeignKey(Stage, models.PROTECT, related_name="+", verbose_name=_("sent"))
    partly_paid = models.ForeignKey(Stage, models.PROTECT, related_name="+", verbose_name=_("partly paid"))
    paid = models.ForeignKey(Stage, models.PROTECT, related_name="+", verbose_name=_("paid"))
    overdue = models.ForeignKey(Stage, models.PROTECT, related_name="+", verbose_name=_("overdue"))
    void = models.ForeignKey(Stage, models.PROTECT, related_name="+", verbose_name=_("void"))
    due_days = models.PositiveSmallIntegerField(_("payable within days"), default=14)

    STAGES = ("draft", "sent", "partly_paid", "paid", "overdue", "void")

    class Meta:
        verbose_name = _("pipeline of invoices")
        verbose_name_plural = _("pipelines of invoices")

    def __str__(self) -> str:
        return str(self.pipeline)

    def clean(self) -> None:
        for name in self.STAGES:
            stage = getattr(self, name, None)
            if stage is not None and stage.pipeline_id != self.pipeline_id:
                raise ValidationError({name: _("This stage is of another pipeline.")})

    @classmethod
    def awaiting(cls) -> set[int]:
        """The stages (ids) in which an invoice waits for its money."""
        return {pk for row in cls.objects.values_list("sent", "partly_paid", "overdue") for pk in row}

    @classmethod
    def first(cls) -> InvoiceFlow | None:
        return cls.objects.select_related("pipeline").order_by("pk").first()

    def make_invoice(
        self,
        source: Item,
        template: DocumentTemplate,
        *,
        by: User | None = None,
        cause: Cause = Cause(),
        origin: str = "",
        due_days: int | None = None,
        stamped: bool = False,
        outputs: dict[str, Any] | None = None,
    ) -> tuple[Item, Document]:
        """An invoice item of what the source lists, linked to it, and its paper; one transaction.

        Args:
            source: a deal or quote; its lines, customer, owner and currency are taken over.
            by: whose rights count; None for the system.
        Raises Refused in words, merge.MergeError.
        """
        if template.kind != Kind.INVOICE:
            raise Refused(said("invoice.not_template", "“%s” is no template of invoices.") % template.name)
        lines = list(source.lines.all())
        if not lines and not source.amount:
            raise Refused(said("invoice.nothing", "The card lists nothing to pay for, and has no amount."))
        days = self.due_days if due_days is None else due_days
        return databases.persistently(
            lambda: self._make_invoice(source, lines, template, by, cause, origin, days, stamped, outputs)
        )

    def _make_invoice(
        self,
        source: Item,
        lines: list[LineItem],
        template: DocumentTemplate,
        by: User | None,
        cause: Cause,
        origin: str,
        days: int,
        stamped: bool,
        outputs: dict[str, Any] | None,
    ) -> tuple[Item, Document]:
        # Board versions come last: who makes the next invoice waits at the counter with nothing of them in hand.
        with boards.collecting():
            invoice = Item.create(
                self.pipeline,
                source.title,
                stage=self.draft,
                by=by,
                cause=cause,
                contact=source.contact,
                company=source.company,
                owner=source.owner,
                currency=source.currency,
                amount=source.amount,
                parent=source,
                due_date=(template.numerator.local(clock.now()) + timedelta(days=days)).date(),
            )
            if lines:
                copies = [LineItem(**_copied(line)) for line in lines]
                invoice = replace_lines(invoice, copies, cause=cause, costs_said=True)
            document = making.make(
                template, invoice, by=by, origin=origin, depth=cause.depth, stamped=stamped, outputs=outputs
            )
            invoice.change({"title": f"{document.number} · {source.title}"[:200]}, cause=cause)
            payload = {"invoice": invoice.pk, "number": document.number, "total": str(invoice.amount)}
            payload["currency"] = invoice.currency
            record("invoice.created", item=source, actor=by, cause=cause, payload=payload)
        return invoice, document

    def stage_for(self, invoice: Item, balance: Balance) -> Stage:
        """Where an invoice with this balance belongs."""
        valid = invoice.documents.filter(kind=Kind.INVOICE).exclude(status=Document.Status.VOID)
        if invoice.stage_id == self.void_id and not (balance.owed > 0 and valid.exists()):
            return self.void  # money that goes back makes nothing valid again
        if balance.credited and not balance.owed:
            return self.paid if balance.paid > 0 else self.void  # what was paid is still to go back
        paid = balance.paid
        if paid >= balance.owed > 0:
            return self.paid
        if invoice.stage_id == self.overdue_id and is_late(invoice):
            return self.overdue  # a part is paid, the rest is as late as before
        if paid > 0:
            return self.partly_paid
        if not valid.filter(sent_at__isnull=False).exists():
            return self.draft  # nothing was paid, and nothing has gone out
        return self.overdue if is_late(invoice) else self.sent

    @classmethod
    def balance_changed(cls, invoice: Item, by: User | None, cause: Cause = Cause()) -> None:
        """After a payment or a credit note: the invoice goes where it belongs. The caller has locked it."""
        flow = cls.objects.filter(pipeline=invoice.pipeline_id).first()
        if flow is None:
            return
        balance = Balance.of(invoice)
        stage = flow.stage_for(invoice, balance)
        if invoice.stage_id == flow.draft_id and not balance.paid and stage.pk != flow.void_id:
            return  # not sent yet, and a part of it was credited: it stays a draft
        if stage.pk != invoice.stage_id:
            invoice.move_to(stage, MoveOptions(by=by, cause=cause, override=True))

    @classmethod
    def paper_changed(cls, document: Document, by: User | None, cause: Cause = Cause()) -> None:
        """The invoice follows its paper: sent with it, void when no valid one is left."""
        invoice = Item.objects.alive().filter(pk=document.item_id).select_related("pipeline").first()
        flow = cls.objects.filter(pipeline=invoice.pipeline_id).first() if invoice is not None else None
        if invoice is None or flow is None:
            return
        if document.kind == Kind.CREDIT_NOTE and document.status == Document.Status.VOID:
            cls.balance_changed(invoice, by, cause)
        if document.kind != Kind.INVOICE:
            return
        if document.sent_at is not None and document.status != Document.Status.VOID:
            if invoice.stage_id == flow.draft_id:
                invoice.move_to(flow.sent, MoveOptions(by=by, cause=cause, override=True))
        elif document.status == Document.Status.VOID and invoice.stage_id not in (flow.void_id, flow.paid_id):
            valid = invoice.documents.filter(kind=Kind.INVOICE).exclude(status=Document.Status.VOID)
            if not valid.exists():
                words = said("invoice.void", "its paper was declared void")
                invoice.move_to(flow.void, MoveOptions(by=by, cause=cause, override=True, note=words))


def is_late(invoice: Item) -> bool:
    """The last day is over, where the company is."""
    return invoice.due_date is not None and invoice.due_date < today()


def today() -> date:
    return clock.now().astimezone(ZoneInfo(OwnCompany.zone())).date()


def _copied(line: LineItem) -> dict[str, Any]:
    names = "product_id name quantity unit price cost discount discount_amount tax_name tax_percent tax_included"
    return {name: getattr(line, name) for name in names.split()}
