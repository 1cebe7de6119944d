from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, Cells
from crm.fields.number import Number
from crm.ground import amounts


class Percent(Number):
    """A whole number from 0 to 100."""

    key = "percent"
    label = _("per cent")
    is_custom = False
    schema = {"type": "integer", "minimum": 0, "maximum": 100}

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.IntegerField(min_value=0, max_value=100, localize=True, **options)

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> int:
        found = amounts.read_number(text)
        if not 0 <= found <= 100 or found != int(found):
            raise ValidationError(_now("“%s” is not a whole number from 0 to 100.") % text[:40])
        return int(found)
