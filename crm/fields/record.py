"""What links another record: kept as its id, shown by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Model, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.fields.base import EMPTY, EQUALITY, NEWS, PRESENCE, Asked, Cells, FieldType
from crm.ground.folding import fold
from crm.ground.ids import MOST, id_of


class Record(FieldType):
    """
    Args:
        model: "app.Model" of the linked records.
        is_few: all of them are offered where one is chosen.
        unknown: the sentence for a name that none has; takes the name.
    """

    is_custom = False
    operators = (*EQUALITY, *PRESENCE, *NEWS)
    schema = {"type": "integer"}
    model: ClassVar[str]
    is_few: ClassVar[bool] = False
    unknown: ClassVar[Any] = gettext_lazy("There is no record called “%s”.")

    def rows(self) -> Any:
        """Those that may be chosen, a queryset."""
        return apps.get_model(self.model)._default_manager.all()

    def to_json(self, value: Any) -> Any:
        return value.pk if isinstance(value, Model) else value

    def from_json(self, kept: Any) -> Any:
        """An id, a row, or a text: the name by which conditions kept it until 28 November 2026 ("2025" is a name too)."""
        found = super().from_json(kept)
        if isinstance(found, bool | float | list | dict):
            raise ValidationError(self.unknown % str(found)[:60])
        return found

    def _choices(self) -> list[tuple[str, str]]:
        return [("", "—"), *((str(row.pk), str(row)) for row in self.rows())]

    def _named(self, text: str) -> Any:
        """The only one of that name, or None."""
        found = [row for row in self.rows() if fold(str(row)) == fold(text)]
        return found[0] if len(found) == 1 else None

    def read(self, text: str, asked: Asked = Asked()) -> Any:
        bare = text.strip()
        for key, label in asked.options:
            if bare == key or fold(bare) == fold(str(label)):
                return int(key)
        if id_of(bare) is not None and not asked.options and self.rows().filter(pk=id_of(bare)).exists():
            return id_of(bare)
        row = None if asked.options else self._named(bare)
        if row is None:
            raise ValidationError(self.unknown % bare[:60])
        return row.pk

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.ModelChoiceField(**{"queryset": self.rows(), "empty_label": "—", **options})

    def cleaned_text(self, text: str, asked: Asked = Asked(), **limits: Any) -> Any:
        return self.rows().get(pk=self.read(text, asked)) if text.strip() else None

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> Any:
        found = cells.records.get(self.key, {}).get(fold(text))
        if found is None:
            raise ValidationError(self.unknown % text[:60])
        return found

    def told(self, kept: Any) -> str:
        if kept in EMPTY:
            return ""
        linked = isinstance(kept, int | str | Model) and not isinstance(kept, bool)
        return self.names([kept]).get(self.to_json(kept), "") if linked else str(kept)

    def names(self, kept: Iterable[Any]) -> dict[Any, str]:
        """Of many ids or rows at once, in one query: their names by id; of one that has gone its number."""
        kept = list(kept)
        rows = {row.pk: str(row) for row in kept if isinstance(row, Model)}
        numbers = {pk for pk in kept if isinstance(pk, int) and not isinstance(pk, bool) and pk not in rows}
        ids = {pk for pk in numbers if 0 < pk <= MOST}
        manager = apps.get_model(self.model)._base_manager
        found = rows | {pk: str(row) for pk, row in (manager.in_bulk(ids) if ids else {}).items()}
        return {pk: f"#{pk}" for pk in numbers} | found | {text: text for text in kept if isinstance(text, str)}

    def exporter(self) -> Callable[[Any], Any]:
        """Each record is asked for once in a file."""
        known: dict[Any, Any] = {}

        def exported(kept: Any) -> Any:
            key = kept if isinstance(kept, int | str) else None
            if key not in known:
                known[key] = self.told(kept) or None
            return known[key]

        return exported

    def exported(self, kept: Any) -> Any:
        return self.told(kept) or None

    def merge_value(self, kept: Any) -> Any:
        return self.told(kept)

    def same(self, value: Any, other: Any, zone: ZoneInfo) -> bool:
        if isinstance(value, str) or isinstance(other, str):
            return fold(self.told(value)) == fold(self.told(other))
        return bool(self.to_json(value) == self.to_json(other))

    def input(self, asked: Asked = Asked()) -> forms.Field:
        if not (asked.options or self.is_few):
            return super().input(asked)
        return forms.ChoiceField(required=False, choices=asked.choices if asked.options else self._choices())

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        if isinstance(value, str):
            folded = {fold(str(label)): key for key, label in asked.options}
            named = self._named(value) if self.is_few else None
            return str(named.pk) if named is not None else folded.get(fold(value), value)
        if value is None:
            return ""
        return str(self.to_json(value)) if asked.options or self.is_few else self.told(value)

    def filter_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.ChoiceField(required=False, choices=self._choices(), **options)

    def filter(self, path: str, text: str) -> Q:
        number = id_of(text)
        if number is None:
            raise ValidationError(_("“%s” is not a whole number.") % text[:40])
        return Q(**{path: number})
