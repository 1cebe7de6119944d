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

    def cleaned_text(self, text: str, asked: Asked = Asked(), **limits: Any) -> Any:
        """Parted by commas."""
        return self.form_field(asked, required=False).clean([part.strip() for part in text.split(",")])

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> Any:
        return [self.read(part, asked) for part in self._parted(text, asked)]

    def _parted(self, text: str, asked: Asked) -> list[str]:
        """Options that hold a comma themselves first: "Red, Blue, dark" may be two."""
        found, rest = [], text.strip()
        longest = sorted((str(key) for key, _label in asked.options if "," in str(key)), key=len, reverse=True)
        for option in longest:
            if fold(option) in fold(rest):
                place = fold(rest).index(fold(option))
                found.append(option)
                rest = f"{rest[:place]};{rest[place + len(option) :]}".replace(", ;", ";").replace(";,", ";")
        return [*found, *(part for part in self.parts(rest.strip("; ,")) if part)]

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
