from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.formats import localize_input
from django.utils.translation import gettext_lazy as _

from crm.fields.base import EQUALITY, NEWS, ORDER, PRESENCE, Asked, FieldType
from crm.fields.merged import MergedNumber
from crm.ground import amounts, decimals
from crm.ground.forms.amounts import AmountField, OfferedAmountField
from crm.ground.shown import num


class Number(FieldType):
    key = "number"
    label = _("number")
    operators = (*EQUALITY, *ORDER, *PRESENCE, *NEWS)
    limit = decimals.NUMBER
    schema = {"type": "string", "format": "decimal"}
    is_amount = True

    def read(self, text: str, asked: Asked = Asked()) -> Decimal:
        found = amounts.read_number(text)
        self.limit.check(found)
        return found

    def to_json(self, value: Any) -> Any:
        return format(value, "f") if isinstance(value, Decimal) else value

    def merge_value(self, kept: Any) -> Any:
        found = super().merge_value(kept)
        return MergedNumber(found) if isinstance(found, Decimal) else found

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return AmountField(limit=self.limit, **options)

    def offered_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return OfferedAmountField(limit=self.limit, **options)

    def as_sent(self, value: Any) -> Any:
        """A dot is a dot here, in whatever language the token's person reads."""
        text = super().as_sent(value)
        try:
            return Decimal(text) if text else ""
        except ArithmeticError:
            raise ValidationError(self.form_field().error_messages["invalid"]) from None

    def told_typed(self, value: Any) -> str:
        return num(value)

    def from_json(self, kept: Any) -> Decimal | None:
        found = super().from_json(kept)
        if found is None:
            return None
        try:
            if isinstance(found, bool | list | dict):
                raise InvalidOperation
            number = Decimal(str(found))
        except InvalidOperation:
            return self.read(str(found))
        if not number.is_finite():
            raise ValidationError(_("“%(value)s” is not a number."), params={"value": str(found)[:40]})
        self.limit.check(number)
        return number

    def parts(self, text: str) -> list[str]:
        """By commas only where a blank follows, or where nothing else makes numbers of it: "1,000, 5,000" are two."""
        for sign in ("\n", ";", ", "):
            if sign in text.strip():
                return [part.strip() for part in text.split(sign) if part.strip()]
        try:
            self.read(text)
        except ValidationError:
            return super().parts(text)
        return [text.strip()]

    def input(self, asked: Asked = Asked()) -> forms.Field:
        widget = forms.TextInput(attrs={"inputmode": "decimal"})
        return forms.CharField(required=False, max_length=80, widget=widget)

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        return "" if value is None else str(localize_input(value.normalize() + 0))

    def filter(self, path: str, text: str) -> Q:
        """Kept as text, with as many noughts as were typed: each spelling of the number is asked for."""
        plain = format(self.read(text).normalize() + 0, "f")
        whole, _sign, rest = plain.partition(".")
        longer = [f"{whole}.{rest.ljust(places, '0')}" for places in range(max(1, len(rest)), self.limit.places + 1)]
        return Q(**{f"{path}__in": [plain, *(one for one in longer if one != plain)]})
