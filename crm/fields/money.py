from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.numbers import format_decimal
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, Cells
from crm.fields.number import Number
from crm.ground import amounts, decimals
from crm.ground.forms.amounts import AmountField, OfferedAmountField
from crm.ground.shown import locale_name, num


class Money(Number):
    key = "money"
    label = _("money")
    limit = decimals.MONEY

    def read(self, text: str, asked: Asked = Asked()) -> Decimal:
        found = amounts.read(text, currency=asked.currency)
        if found.currency and asked.currency and found.currency != asked.currency:
            words = {"typed": text.strip()[:40], "named": found.currency, "currency": asked.currency}
            raise ValidationError(gettext("“%(typed)s” is in %(named)s; amounts here are in %(currency)s.") % words)
        self.limit.check(found.value)
        return found.value

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return AmountField(currency=asked.currency, **options)

    def offered_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        """A customer owes no less than nothing."""
        return OfferedAmountField(min_value=0, currency=asked.currency, **options)

    def told_typed(self, value: Any) -> str:
        """With its cents, or none: 1,500.50 and 1,500."""
        if value == value.to_integral_value():
            return num(value)
        return str(format_decimal(value, format="#,##0.00", locale=locale_name()))

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> Any:
        """To the cent."""
        found = self.read(text, Asked(cells.currency if cells.is_strict else ""))
        return found.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        field = AmountField(limit=self.limit, currency=asked.currency)
        return "" if value is None else str(field.widget.format_value(field.prepare_value(value)))
