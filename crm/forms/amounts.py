"""Amounts as people write them in their language."""

from __future__ import annotations

import re
from typing import Any

from babel.numbers import list_currencies
from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _


class CurrencyField(forms.CharField):
    """A currency's code (ISO 4217); one that nobody knows would have no rate, no decimals and no name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=3, **kwargs)

    def clean(self, value: Any) -> str:
        code = str(super().clean(value)).upper()
        if code and code not in list_currencies():
            raise ValidationError(_("“%s” is no currency; its code has three letters, like EUR.") % code)
        return code


class AmountField(forms.DecimalField):
    """A number as people of the language write it: 1 200,50 · 1,200.50 · 450.000 ₫ in Vietnamese."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            decimal, group = (str(formats.get_format(name)) for name in ("DECIMAL_SEPARATOR", "THOUSAND_SEPARATOR"))
            text = re.sub(r"[\s\u00a0\u202f’']", "", value.strip())
            if (
                group.strip()
                and group != decimal
                and re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+(?:{re.escape(decimal)}\d+)?", text)
            ):
                text = text.replace(group, "")
            value = text.replace(decimal, ".") if text.count(decimal) == 1 and "." not in text else text
        return super().to_python(value)
