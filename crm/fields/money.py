from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import amounts, decimals
from crm.fields.base import Asked
from crm.fields.number import Number
from crm.forms.amounts import AmountField


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

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        field = AmountField(limit=self.limit, currency=asked.currency)
        return "" if value is None else str(field.widget.format_value(field.prepare_value(value)))
