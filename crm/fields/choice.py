from __future__ import annotations

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.fields.base import EQUALITY, NEWS, PRESENCE, Asked, TextLike, one_of_options


class Choice(TextLike):
    """One of a list."""

    key = "list"
    label = _("list")
    operators = (*EQUALITY, *PRESENCE, *NEWS)

    def read(self, text: str, asked: Asked = Asked()) -> str:
        return one_of_options(text, asked.options)

    def input(self, asked: Asked = Asked()) -> forms.Field:
        if not asked.options:
            return super().input(asked)
        return forms.ChoiceField(required=False, choices=[("", "—"), *((one, one) for one in asked.options)])

    def filter(self, path: str, text: str) -> Q:
        return Q(**{path: text})
