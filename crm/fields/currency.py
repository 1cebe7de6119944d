from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.fields.base import EQUALITY, NEWS, PRESENCE, Asked, Cells, TextLike
from crm.ground import amounts
from crm.ground.forms.amounts import CurrencyField


class Currency(TextLike):
    """A currency's code (ISO 4217)."""

    key = "currency"
    label = _("currency")
    is_custom = False
    operators = (*EQUALITY, *PRESENCE, *NEWS)

    def read(self, text: str, asked: Asked = Asked()) -> str:
        found = amounts.currency_of(text)
        if not found:
            raise ValidationError(_now("“%s” is not a currency such as EUR.") % text.strip()[:20])
        return found

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return CurrencyField(**options)

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> str:
        return self.read(text)
