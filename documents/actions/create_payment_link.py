"""Create payment link."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from crm.ground.sentences import said
from crm.items.models.lines import rounded
from crm.models import Item
from documents.models import InvoiceFlow, PaymentAccount, PaymentLink
from documents.models.checkouts import still_open


@actions.register
class CreatePaymentLink(Action):
    key = "create_payment_link"
    label = _("Create payment link")
    synonyms = _("pay online, card, checkout")
    example = _("The reminder's button leads to the payment page.")
    group = "documents"
    icon = "coin"
    leads = True
    help = _("An address under which the customer pays the card's newest open invoice online, whole or in part.")
    outputs = {"link": _("link"), "amount": _("amount"), "invoice": _("invoice")}

    class Settings(SettingsForm):
        percent = forms.IntegerField(
            label=_("share of the invoice, %"),
            min_value=1,
            max_value=100,
            initial=100,
            help_text=_("Less than 100 for a prepayment."),
        )

    def run(self, context: Context) -> Outcome:
        if PaymentAccount.first() is None:
            raise ActionError(said("payment.not_set_up", "Paying online is not set up."))
        invoice = self._invoice(context.item)
        share = context.settings["percent"]
        amount = rounded((invoice.amount or Decimal(0)) * share / 100, invoice.currency) if share < 100 else None
        link = PaymentLink.make(invoice, amount)
        asked = min(amount, still_open(invoice)) if amount is not None else still_open(invoice)
        return Done({"link": link, "amount": str(asked), "invoice": invoice.pk}, summary=f"{asked} {invoice.currency}")

    def _invoice(self, item: Item) -> Item:
        """The item itself where it is an invoice, else its newest one that is not paid."""
        if InvoiceFlow.objects.filter(pipeline=item.pipeline_id).exists():
            candidates = [item]
        else:
            rows = item.children.alive().filter(pipeline__invoice_flow__isnull=False)
            candidates = list(rows.select_related("pipeline__invoice_flow").order_by("-pk"))
        for invoice in candidates:
            if still_open(invoice) > 0:
                return invoice
        raise ActionError(said("invoice.none_open", "The card has no invoice that is still to be paid."))

    def summary(self, settings: dict[str, Any]) -> str:
        share = settings.get("percent", 100)
        return "" if share == 100 else f"{share} %"
