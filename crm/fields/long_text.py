from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, TextLike


class LongText(TextLike):
    key = "long_text"
    label = _("long text")
    is_free = True

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.CharField(**{"max_length": 20_000, "widget": forms.Textarea, **options})
