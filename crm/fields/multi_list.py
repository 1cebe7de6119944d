from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.fields.base import EMPTY, NEWS, PRESENCE, Asked, Cells
from crm.fields.choice import Choice
from crm.ground.folding import fold


class MultiList(Choice):
    """Several of a list. It equals a value that is among what was chosen."""

    key = "multi_list"
    label = _("list, several")
    schema = {"type": "array", "items": {"type": "string"}}
    operators = ("contains", "not_contains", "one_of", "none_of", *PRESENCE, *NEWS)

    def from_json(self, kept: Any) -> Any:
        if kept in EMPTY:
            return None
        return [str(one) for one in kept] if isinstance(kept, list) else str(kept)

    def initial(self, kept: Any) -> Any:
        found = self.typed(kept)
        return _several(found) if isinstance(found, str) else found

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.MultipleChoiceField(choices=list(asked.options), **options)

    def cleaned_text(self, text: str, asked: Asked = Asked()) -> Any:
        """Parted by commas."""
        return self.form_field(asked, required=False).clean([part.strip() for part in text.split(",")])

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> Any:
        return [self.read(part, asked) for part in self.parts(text)]

    def as_sent(self, value: Any) -> list[str]:
        return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []

    def told_typed(self, value: Any) -> str:
        return ", ".join(_several(value))

    def exported(self, kept: Any) -> Any:
        return self.told(kept) or None

    def same(self, value: Any, other: Any, zone: ZoneInfo) -> bool:
        chosen, wanted = ([fold(one) for one in _several(side)] for side in (value, other))
        return chosen == wanted or (len(wanted) == 1 and wanted[0] in chosen)

    def filter(self, path: str, text: str) -> Q:
        return Q(**{f"{path}__icontains": text})


def _several(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]
