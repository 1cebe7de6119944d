"""The form of a credit note: the invoice's lines, how much of each is taken back, and why."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.ground import decimals
from crm.ground.forms.amounts import AmountField
from crm.items.models.lines import rounded
from crm.messages import merge_text
from crm.models import Item, Refused
from documents.models import DocumentTemplate
from documents.models.credit_notes import Line, check_line, left_of, listed
from documents.models.templates import Kind

NUMBER = {"inputmode": "decimal", "class": "form-control form-control-sm text-end"}


class MakeCreditNote(forms.Form):
    template = forms.ModelChoiceField(
        DocumentTemplate.objects.none(), label=_("template"), empty_label=None,
        widget=forms.Select(attrs={"class": "form-select form-select-sm"}),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("reason"), max_length=300, widget=forms.TextInput(attrs={"class": "form-control form-control-sm"})
    )
    mark = forms.UUIDField(widget=forms.HiddenInput)
    stamped = forms.BooleanField(label=_("with stamp and signature"), required=False)

    def __init__(self, invoice: Item, data: Any = None) -> None:
        super().__init__(data, initial={"mark": uuid.uuid4()}, auto_id="credit_%s")
        self.invoice = invoice
        templates: Any = self.fields["template"]
        templates.queryset = DocumentTemplate.offered(invoice.pipeline_id).filter(kind=Kind.CREDIT_NOTE)
        language = merge_text.language_of(invoice)
        ordered = sorted(templates.queryset, key=lambda row: (row.language != language, row.name))
        templates.choices = [(row.pk, f"{row.name} ({row.language})") for row in ordered]
        # Every line, with what is left of it.
        self.known = listed(invoice)
        left = left_of(invoice, self.known)
        for number, line in enumerate(self.known, 1):
            short = rounded(line.price, invoice.currency)
            price = short if short == line.price else line.price
            self.fields[f"quantity_{number}"] = AmountField(
                label=_("Quantity"), required=False, limit=decimals.QUANTITY, initial=left[number - 1].normalize() + 0,
                widget=forms.TextInput(attrs=NUMBER | {"aria-label": f"{_now('Quantity')}, {line.name}"}),
            )  # fmt: skip
            self.fields[f"price_{number}"] = AmountField(
                label=_("Price"), required=False, limit=decimals.PRICE, currency=invoice.currency, initial=price,
                widget=forms.TextInput(attrs=NUMBER | {"aria-label": f"{_now('Price')}, {line.name}"}),
            )  # fmt: skip

    def rows(self) -> list[tuple[Any, Any, Any]]:
        """Line, its quantity's field, its price's field: for the template."""
        return [(line, self[f"quantity_{n}"], self[f"price_{n}"]) for n, line in enumerate(self.known, 1)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        asked = [
            Line(number, data[f"quantity_{number}"], data.get(f"price_{number}"))
            for number in range(1, len(self.known) + 1)
            if data.get(f"quantity_{number}")
        ]
        if not asked and not self.errors:
            self.add_error(None, _now("Say how much of which line is taken back."))
        for line in asked:
            try:
                check_line(self.invoice, line)
            except Refused as refused:
                self.add_error(f"quantity_{line.number}", str(refused.sentence))
        data["lines"] = asked
        return data
