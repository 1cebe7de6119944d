from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, TextLike
from crm.ground.addresses import as_typed


class Email(TextLike):
    key = "email"
    label = _("e-mail")
    schema = {"type": "string", "format": "email"}

    def read(self, text: str, asked: Asked = Asked()) -> str:
        found = as_typed(text)
        validate_email(found)
        return found

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.EmailField(**options)
