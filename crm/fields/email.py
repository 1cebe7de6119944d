from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, TextLike
from crm.ground.addresses import as_typed


class AddressField(forms.EmailField):
    """Typed or pasted: a form reads what the API and imports read. The widget is a text box: browsers refuse names."""

    widget = forms.TextInput(attrs={"inputmode": "email", "autocomplete": "email"})

    def to_python(self, value: Any) -> str:
        return as_typed(super().to_python(value) or "")


class Email(TextLike):
    key = "email"
    label = _("e-mail")
    schema = {"type": "string", "format": "email"}

    def read(self, text: str, asked: Asked = Asked()) -> str:
        found = as_typed(text)
        validate_email(found)
        return found

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return AddressField(**options)
