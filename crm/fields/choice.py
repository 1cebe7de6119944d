from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.fields.base import EQUALITY, NEWS, PRESENCE, Asked, Cells, TextLike, one_of_options


class Choice(TextLike):
    """One of a list."""

    key = "list"
    label = _("list")
    operators = (*EQUALITY, *PRESENCE, *NEWS)
    has_options = True

    def read(self, text: str, asked: Asked = Asked()) -> str:
        return one_of_options(text, asked.options)

    def input(self, asked: Asked = Asked()) -> forms.Field:
        if not asked.options:
            return super().input(asked)
        return forms.ChoiceField(required=False, choices=asked.choices)

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.ChoiceField(choices=asked.choices, **options)

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> Any:
        return self.read(text, asked)

    def filter_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.ChoiceField(required=False, choices=asked.choices, **options)

    def filter(self, path: str, text: str) -> Q:
        return Q(**{path: text})
