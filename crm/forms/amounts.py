"""Amounts as people write them in their language."""

from __future__ import annotations

import re
from typing import Any

from babel.numbers import list_currencies
from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _

from crm import decimals
from crm.decimals import Limit, Unreadable


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
    """A number as people of the language write it: 1 200,50 · 1,200.50 · 450.000 ₫ in Vietnamese.

    Args:
        limit: what it may be; its digits are those of the column it is kept in.
    """

    def __init__(self, *, limit: Limit = decimals.MONEY, **kwargs: Any) -> None:
        self.limit = limit
        kwargs |= {"max_digits": limit.digits, "decimal_places": limit.places, "localize": True}
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        # A broken value says so in its box: saved with it, the form asks for a number instead of emptying it silently.
        return str(value) if isinstance(value, Unreadable) else super().prepare_value(value)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None:
            self.limit.check(value)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            decimal, group = (str(formats.get_format(name)) for name in ("DECIMAL_SEPARATOR", "THOUSAND_SEPARATOR"))
            text = re.sub(r"[\s\u00a0\u202f’']", "", value.strip())
            if (
                group.strip()
                and group != decimal
                and re.fullmatch(rf"[1-9]\d{{0,2}}(?:{re.escape(group)}\d{{3}})+(?:{re.escape(decimal)}\d+)?", text)
            ):
                text = text.replace(group, "")
            value = text.replace(decimal, ".") if text.count(decimal) == 1 and "." not in text else text
        return super().to_python(value)


class OfferedAmountField(AmountField):
    """An amount on a public form: what cannot be read stays as it was typed, unless the form needs it.

    A lead is worth more than its budget: "about 1500" or sixteen digits shall not turn a customer away.
    """

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except ValidationError:
            if self.required:
                raise
            return str(value).strip()[:200]
