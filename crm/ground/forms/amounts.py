"""Amounts as people write them in their language."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.ground import amounts, decimals
from crm.ground.amounts import Amount
from crm.ground.decimals import Limit, Unreadable


class CurrencyField(forms.CharField):
    """A currency's code (ISO 4217); one that nobody knows would have no rate, no decimals and no name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=3, **kwargs)

    def clean(self, value: Any) -> str:
        code = str(super().clean(value)).upper()
        if code and not amounts.is_currency(code):
            raise ValidationError(_("“%s” is no currency; its code has three letters, like EUR.") % code)
        return code


class AmountField(forms.DecimalField):
    """A number or an amount of money as people type it (crm/ground/amounts.py).

    Args:
        limit: what it may be; its digits are those of the column it is kept in.
        currency: the ISO code that amounts here are in; empty: not known, and a sign beside them says nothing.
    """

    def __init__(self, *, limit: Limit = decimals.MONEY, currency: str = "", **kwargs: Any) -> None:
        self.limit, self.currency = limit, currency
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal"}))
        kwargs |= {"max_digits": limit.digits, "decimal_places": limit.places, "localize": True}
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        # A broken value says so in its box: saved with it, the form asks for a number instead of emptying it silently.
        if isinstance(value, Unreadable):
            return str(value)
        if isinstance(value, Decimal) and self.limit.is_money and value.as_tuple().exponent == -3:
            value = value.quantize(Decimal("0.0001"))  # "1.255" would come back as thousands
        return super().prepare_value(value)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None:
            self.limit.check(value)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            value = self.read(value)
        found = super().to_python(value)
        return found if found is None else self._without_noughts(found)

    def read(self, text: str) -> Decimal:
        """Raises ValidationError for what is no amount, or one in another currency."""
        if not self.limit.is_money:
            return amounts.read_number(text)
        found = amounts.read(text, currency=self.currency)
        if found.currency and self.currency and found.currency != self.currency:
            words = {"typed": text.strip()[:40], "named": found.currency, "currency": self.currency}
            raise ValidationError(_("“%(typed)s” is in %(named)s; amounts here are in %(currency)s.") % words)
        return found.value

    def _without_noughts(self, value: Decimal) -> Decimal:
        """Of "1500.0000" those that the column has no place for."""
        if not self.limit.holds(value):
            return value
        short = value.quantize(Decimal(1).scaleb(-self.limit.places), context=decimals.EXACT)
        return short if short == value and value.as_tuple().exponent < -self.limit.places else value  # type: ignore[operator]  # a finite number's exponent is an int


class DiscountField(AmountField):
    """A discount as people write one: "10" and "10 %" are percent of the line, "50 EUR" and "£50" an amount off it.

    Cleaned to an `Amount`: with a currency an amount of money, without one percent.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        if "%" in text or re.fullmatch(r"[\d\s.,']+", amounts.plain(text)):
            found = Amount(amounts.read_number(text))
            if not 0 <= found.value <= 100:
                words = {"typed": text[:40], "currency": self.currency}
                sentence = _("“%(typed)s” in percent is not between 0 and 100; an amount is written “50 %(currency)s”.")
                raise ValidationError(sentence % words)
            decimals.PERCENT.check(found.value)
            return Amount(round(found.value, decimals.PERCENT.places))
        return Amount(self.read(text), self.currency)

    def validate(self, value: Any) -> None:
        if value is not None and value.value < 0:
            raise ValidationError(_("A discount is not below zero."))
        super().validate(None if value is None else value.value)

    def run_validators(self, value: Any) -> None:
        # A percentage has more decimals than money, and was judged when it was read.
        super().run_validators(value.value if value is not None and value.currency else None)


class OfferedAmountField(AmountField):
    """An amount on a public form: what cannot be read stays as it was typed, unless the form needs it.

    A lead is worth more than its budget: "about 1500", pounds where euros were asked for, or sixteen digits shall not
    turn a customer away.
    """

    def clean(self, value: Any) -> Any:
        value = str(value or "").replace("\0", "")  # PostgreSQL keeps none
        try:
            return super().clean(value)
        except ValidationError:
            if self.required and not self._names_another(value):
                raise
            return str(value).strip()[:200]

    def _names_another(self, value: Any) -> bool:
        """An amount all the same, in another currency: what was asked for is there."""
        try:
            return self.limit.holds(amounts.read(str(value)).value)
        except ValidationError:
            return False
