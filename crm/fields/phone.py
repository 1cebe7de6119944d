from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, TextLike
from crm.ground import phones
from crm.ground.forms.phones import OfferedPhoneField, PhoneField


class Phone(TextLike):
    key = "phone"
    label = _("phone")

    def read(self, text: str, asked: Asked = Asked()) -> str:
        return phones.parse(text).whole

    def to_json(self, value: Any) -> Any:
        """With its extension."""
        return value.whole if isinstance(value, phones.PhoneNumber) else value

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return PhoneField(**options)

    def offered_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return OfferedPhoneField(**options)

    def searched(self, text: str) -> str:
        """Digits and the plus alone: "601 123" is in "+48601123456"."""
        return re.sub(r"[^\d+]", "", text)

    def comparable(self, value: Any, other: Any, zone: ZoneInfo) -> Any:
        """Without its extension: it is the same line."""
        return None if value is None else str(value).partition(";")[0]

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        text = str(value or "")
        return phones.display(text) if re.fullmatch(r"\+\d{8,15}(;ext=\d+)?", text) else text

    def filter(self, path: str, text: str) -> Q:
        try:
            return Q(**{f"{path}__startswith": str(phones.parse(text))})
        except ValidationError:
            return Q(**{f"{path}__icontains": text.strip()})
