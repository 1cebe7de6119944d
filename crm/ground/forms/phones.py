"""Phone numbers in forms, in any habit of writing them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from crm.ground import phones


class PhoneField(forms.CharField):
    """A phone number in any habit; cleans to E.164 (a PhoneNumber, with its extension)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> phones.PhoneNumber:
        return phones.parse(super().clean(value))


class OfferedPhoneField(PhoneField):
    """A phone on a public form: one that cannot be read stays as it was typed, unless the form needs it."""

    def clean(self, value: Any) -> Any:
        value = str(value or "").replace("\0", "")  # PostgreSQL keeps none, and the lead is worth more
        try:
            return super().clean(value)
        except ValidationError:
            if self.required:
                raise
            return str(value).strip()[:200]
