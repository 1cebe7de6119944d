"""What every type of field can do. A type knows how people type its values, how they are kept, compared and found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.ground.folding import fold
from crm.registry import Registry

EQUALITY = ("equals", "not_equals", "one_of", "none_of")
PRESENCE = ("is_empty", "is_filled")
ORDER = ("more_than", "at_least", "less_than", "at_most", "between")
NEWS = ("became", "changed")
EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Asked:
    """Where a value is asked for.

    Args:
        currency: ISO code that amounts are in; empty: not known.
        options: of a list, what may be chosen: (kept value, label); empty: anything.
    """

    currency: str = ""
    options: Sequence[tuple[str, Any]] = ()

    @property
    def choices(self) -> list[tuple[str, Any]]:
        return [("", "—"), *self.options]


@dataclass(frozen=True)
class Cells:
    """How the cells of a file are read.

    Args:
        order: of day and month, as in crm/ground/dates.py.
        currency: ISO code that the row's amounts are in; empty: not known.
        is_strict: amounts in another currency are refused.
        records: by a type's key: rows by their folded names.
    """

    order: str
    currency: str = ""
    is_strict: bool = False
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class FieldType:
    """One type of field; register a class of it to add one (docs/extending.md).

    Args:
        key: as custom fields and merge fields name it.
        is_custom: administrators may add fields of it to items, contacts and companies.
        is_public: a web form may ask a stranger for one.
        operators: comparisons of conditions that fit it, by their keys in automation/conditions.py.
        words: what the words of a comparison are for this type, where they differ ("is after").
        schema: of its values in the API, as JSON schema.
        is_text: any text is a value, so that a comma in it parts nothing.
        is_free: anybody may have written anything into it, an address too: mails make no link of it.
        is_confidential: shown to those alone who see profit (crm/pipelines/roles.py).
        has_options: it needs a list of what may be chosen.
        is_day: a day or moment: rules may run before and after it, and a file writes it in some order.
        is_amount: a number, whose reading is shown before a file is taken in.
        lists: a cell of a file may hold several.
    """

    key: ClassVar[str]
    label: ClassVar[Any] = ""
    is_custom: ClassVar[bool] = True
    is_public: ClassVar[bool] = True
    operators: ClassVar[tuple[str, ...]] = (*EQUALITY, *PRESENCE, *NEWS)
    words: ClassVar[dict[str, Any]] = {}
    schema: ClassVar[dict[str, Any]] = {"type": "string"}
    is_text: ClassVar[bool] = False
    is_free: ClassVar[bool] = False
    is_confidential: ClassVar[bool] = False
    has_options: ClassVar[bool] = False
    is_day: ClassVar[bool] = False
    is_amount: ClassVar[bool] = False
    lists: ClassVar[bool] = False

    # ------------------------------------------------------------------ kept

    def to_json(self, value: Any) -> Any:
        """A typed value as it stands in a JSON column; an empty one as it is."""
        return value

    def from_json(self, kept: Any) -> Any:
        """A kept value, typed; None for an empty one. Raises ValidationError for what cannot be read."""
        return None if kept in EMPTY else kept

    def typed(self, kept: Any) -> Any:
        """A kept value, typed; what cannot be read (its field had another type once) as the text that it is."""
        try:
            return self.from_json(kept)
        except ValidationError:
            return kept if isinstance(kept, str) else str(kept)

    def merge_value(self, kept: Any) -> Any:
        """What a merge text gets; an empty text for nothing."""
        found = self.typed(kept)
        return "" if found is None else found

    def exporter(self) -> Callable[[Any], Any]:
        """What `exported` does, for many values of one file."""
        return self.exported

    def exported(self, kept: Any) -> Any:
        """A cell of an export: text, number, aware moment, or None; an import reads it back."""
        return self.typed(kept)

    # ------------------------------------------------------------------ typed by people

    def read(self, text: str, asked: Asked = Asked()) -> Any:
        """A value as a person typed it. Raises ValidationError in words."""
        return text.strip()

    def read_part(self, text: str) -> str:
        """A part of a value that is searched for, as it was typed."""
        return text.strip()

    def parts(self, text: str) -> list[str]:
        """Several values that were typed into one box: one a line, else parted by semicolons, else by commas."""
        for sign in ("\n", ";", ", ", ","):
            if sign in text.strip():
                return [part.strip() for part in text.split(sign) if part.strip()]
        return [text.strip()] if text.strip() else []

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        """The form field that asks for a value; it cleans to a typed one.

        Args:
            options: of the form field: label, required, help_text, initial …
        """
        return forms.CharField(**{"max_length": 500, **options})

    def offered_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        """The same on a public form, where a lead is worth more than a value that cannot be read."""
        return self.form_field(asked, **options)

    def cleaned_text(self, text: str, asked: Asked = Asked(), **limits: Any) -> Any:
        """A text that a rule or a customer's answer gives, as the form field cleans it. Raises ValidationError.

        Args:
            limits: of the form field, such as max_length.
        """
        return self.form_field(asked, required=False, **limits).clean(text)

    def initial(self, kept: Any) -> Any:
        """A kept value as its form field shows it; text that does not fit its type stays text."""
        return self.typed(kept)

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> Any:
        """A cell of a file, typed; never an empty one. Raises ValidationError in words."""
        return self.form_field(asked).clean(text)

    def cells(self, text: str, cells: Cells, asked: Asked = Asked()) -> tuple[list[Any], list[str]]:
        """Of a type that lists: the values of a cell, and a sentence for each that is left out."""
        return [self.cell(text, cells, asked)], []

    def as_sent(self, value: Any) -> Any:
        """A value of an API's body, as its form field takes it. Raises ValidationError for a shape it cannot take."""
        if isinstance(value, list | dict | bool):
            raise ValidationError(_("A single text or number is needed here."))
        return "" if value is None else str(value)

    # ------------------------------------------------------------------ shown

    def told(self, kept: Any) -> str:
        """A kept or typed value as its reader writes it; empty for nothing."""
        try:
            found = self.from_json(kept)
        except ValidationError:
            return str(kept)
        return "" if found is None else self.told_typed(found)

    def told_typed(self, value: Any) -> str:
        """The same of a typed value that is there."""
        return str(value)

    # ------------------------------------------------------------------ conditions

    def input(self, asked: Asked = Asked()) -> forms.Field:
        """The form field for one value that a condition compares with; what it gives is text for `read`."""
        return forms.CharField(required=False, max_length=500)

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        """As `input` shows a typed value, and `read` reads it back."""
        return "" if value is None else str(value)

    def searched(self, text: str) -> str:
        """A value, or a part of one, as it is searched."""
        return text

    def comparable(self, value: Any, other: Any, zone: ZoneInfo) -> Any:
        """As it is compared with `other`. Days are those of the zone."""
        return value

    def same(self, value: Any, other: Any, zone: ZoneInfo) -> bool:
        """Whether two typed values are one."""
        return bool(self.comparable(value, other, zone) == self.comparable(other, value, zone))

    # ------------------------------------------------------------------ filters

    def filter_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        """What a filter's panel asks with; its text goes to `filter`."""
        return forms.CharField(required=False, max_length=200, **options)

    def filter(self, path: str, text: str) -> Q:
        """Rows whose JSON value at the path is what a person typed. Raises ValidationError for what is no value."""
        return Q(**{f"{path}__icontains": text})


# Classes by their key; crm/fields/__init__.py registers ours, third parties theirs in their crm_plugin.py.
field_types: Registry[FieldType] = Registry("field types", FieldType)


class TextLike(FieldType):
    """Compared folded: "nguyen" is "Nguyễn"."""

    is_text = True
    operators: ClassVar[tuple[str, ...]] = (*EQUALITY, "contains", "not_contains", "starts_with", *PRESENCE, *NEWS)

    def from_json(self, kept: Any) -> Any:
        if isinstance(kept, bool):
            return str(_("yes")) if kept else str(_("no"))
        found = super().from_json(kept)
        if isinstance(found, list):  # its field was a list once
            return ", ".join(map(str, found))
        return None if found is None else str(found)

    def comparable(self, value: Any, other: Any, zone: ZoneInfo) -> Any:
        return None if value is None else fold(str(value))


def one_of_options(text: str, options: Sequence[tuple[str, Any]]) -> str:
    """The option that was meant, as it is kept. Raises ValidationError where there is none like it."""
    bare = text.strip()
    if not options or any(bare == key for key, _label in options):
        return bare
    folded = {fold(str(label)): key for key, label in options}
    if fold(bare) not in folded:
        raise ValidationError(gettext_lazy("“%s” is none of the options.") % bare[:60])
    return folded[fold(bare)]
