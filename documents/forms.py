"""What colleagues fill in about papers and payments."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.ground.forms.amounts import AmountField
from crm.ground.forms.moments import DayField
from crm.ground.shown import money
from crm.messages import merge_text
from crm.models import Item
from documents.models import DocumentTemplate, Payment
from documents.models.balances import Balance
from documents.models.invoicing import today
from documents.models.templates import Kind


class MakeDocument(forms.Form):
    template = forms.ModelChoiceField(DocumentTemplate.objects.none(), label=_("template"), empty_label=None)
    stamped = forms.BooleanField(label=_("with stamp and signature"), required=False)

    def __init__(self, item: Item, data: Any = None) -> None:
        super().__init__(data, auto_id="make_%s")
        # Those in the customer's language first.
        language = merge_text.language_of(item)
        rows = DocumentTemplate.offered(item.pipeline_id).exclude(kind=Kind.CREDIT_NOTE)  # made of an invoice's lines
        box: Any = self.fields["template"]
        box.queryset = rows
        kinds = list(Kind.values)
        ordered = sorted(rows, key=lambda row: (row.language != language, kinds.index(row.kind), row.name))
        box = self.fields["template"]
        box.choices = [(row.pk, f"{row.name} ({row.language})") for row in ordered]
        self.fields["template"].widget.attrs["class"] = "form-select form-select-sm"


class BookPayment(forms.Form):
    amount = AmountField(
        label=_("amount"), min_value=Decimal("0.01"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "form-control form-control-sm"}),
    )  # fmt: skip
    paid_on = DayField(
        label=_("paid on"),
        widget=forms.DateInput(attrs={"type": "date", "class": "form-control form-control-sm"}, format="%Y-%m-%d"),
    )
    method = forms.ChoiceField(
        label=_("paid by"),
        choices=Payment.Method.choices,
        widget=forms.Select(attrs={"class": "form-select form-select-sm"}),
    )
    reference = forms.CharField(
        label=_("reference"),
        required=False,
        max_length=140,
        widget=forms.TextInput(attrs={"class": "form-control form-control-sm"}),
    )
    mark = forms.UUIDField(widget=forms.HiddenInput)
    back = forms.BooleanField(label=_("paid back to the customer"), required=False)
    anyway = forms.BooleanField(label=_("book it anyway"), required=False)

    def __init__(self, invoice: Item, data: Any = None, still_open: Any = None) -> None:
        initial = {"amount": still_open, "paid_on": today(), "mark": uuid.uuid4()}
        super().__init__(data, initial=initial, auto_id="pay_%s")
        self.invoice = invoice
        amount: Any = self.fields["amount"]
        amount.currency = invoice.currency
        # Asked for only where the amount looks like a slip.
        self.asks = False

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        amount = data.get("amount")
        if amount is None:
            return data
        balance = Balance.of(self.invoice)
        most = balance.paid if data.get("back") else balance.open
        self.asks = amount > max(most, Decimal(0))
        if self.asks and not data.get("anyway"):
            over = money(amount - max(most, Decimal(0)), self.invoice.currency)
            words = _now("%s more than was paid.") if data.get("back") else _now("%s more than is still to be paid.")
            self.add_error("amount", words % over)
        return data
