from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.fields.base import EMPTY, Asked, Cells, FieldType
from crm.ground.folding import fold

YES = frozenset(("1", "true", "on", "yes", "y", "x", "tak", "oui", "co", "да", "ja"))
NO = frozenset(("0", "false", "off", "no", "n", "nie", "non", "khong", "нет", "nein"))


class Boolean(FieldType):
    key = "boolean"
    label = _("yes / no")
    operators = ("is_true", "is_false", "became")
    schema = {"type": "boolean"}

    def read(self, text: str, asked: Asked = Asked()) -> bool:
        bare = fold(text)
        if bare in YES or bare == fold(gettext("yes")):
            return True
        if bare in NO or bare == fold(gettext("no")):
            return False
        raise ValidationError(gettext("“%s” is neither yes nor no.") % text.strip()[:40])

    def from_json(self, kept: Any) -> bool | None:
        if kept in EMPTY:
            return None
        return kept if isinstance(kept, bool) else self.read(str(kept))

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.BooleanField(**options)

    def cleaned_text(self, text: str, asked: Asked = Asked(), **limits: Any) -> bool:
        """Its box would take "no" for a tick."""
        return self.read(text) if text.strip() else False

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> bool:
        return self.read(text)

    def as_sent(self, value: Any) -> bool:
        if value is not None and not isinstance(value, bool):
            raise ValidationError(gettext("This is true or false."))
        return bool(value)

    def told_typed(self, value: Any) -> str:
        return gettext("yes") if value else gettext("no")

    def exported(self, kept: Any) -> Any:
        return self.told(kept) or None

    def filter_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.ChoiceField(required=False, choices=[("", "—"), ("1", _("yes"))], **options)

    def input(self, asked: Asked = Asked()) -> forms.Field:
        return forms.ChoiceField(required=False, choices=[("true", _("yes")), ("false", _("no"))])

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        return "" if value is None else "true" if value else "false"

    def filter(self, path: str, text: str) -> Q:
        return Q(**{path: self.read(text)})
