from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, TextLike


class Link(TextLike):
    key = "link"
    label = _("link")
    schema = {"type": "string", "format": "uri"}

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.URLField(assume_scheme="https", **options)
