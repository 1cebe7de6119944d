from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.fields.base import EQUALITY, NEWS, PRESENCE, Asked, Cells, TextLike
from crm.ground.folding import fold


class Language(TextLike):
    """One of ours, by its code."""

    key = "language"
    label = _("language")
    is_custom = False
    operators = (*EQUALITY, *PRESENCE, *NEWS)

    def read(self, text: str, asked: Asked = Asked()) -> str:
        known = {fold(str(name)): code for code, name in settings.LANGUAGES}
        code = text.strip().lower()[:2]
        found = known.get(fold(text)) or (code if code in dict(settings.LANGUAGES) else None)
        if found is None:
            raise ValidationError(_now("“%s” is not a language of ours.") % text.strip()[:20])
        return found

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.ChoiceField(choices=[("", "—"), *settings.LANGUAGES], **options)

    def input(self, asked: Asked = Asked()) -> forms.Field:
        return self.form_field(required=False)

    def filter_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return self.form_field(required=False, **options)

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> str:
        return self.read(text)
