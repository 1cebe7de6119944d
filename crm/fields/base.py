"""What every type of field can do. A type knows how people type its values, how they are kept, compared and found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.folding import fold

EQUALITY = ("equals", "not_equals", "one_of", "none_of")
PRESENCE = ("is_empty", "is_filled")
ORDER = ("more_than", "at_least", "less_than", "at_most", "between")
NEWS = ("became", "changed")


@dataclass(frozen=True)
class Asked:
    """Where a value is asked for.

    Args:
        currency: ISO code that amounts are in; empty: not known.
        options: of a list, what may be chosen; empty: anything.
    """

    currency: str = ""
    options: Sequence[str] = ()


class FieldType:
    """One type of field.

    Args:
        key: as custom fields and merge fields name it.
        operators: comparisons of conditions that fit it, by their keys in automation/conditions.py.
        is_text: any text is a value, so that a comma in it parts nothing.
    """

    key: ClassVar[str]
    label: ClassVar[Any] = ""
    operators: ClassVar[tuple[str, ...]] = (*EQUALITY, *PRESENCE, *NEWS)
    is_text: ClassVar[bool] = False
    # What the words "is more than" are for this type.
    words: ClassVar[dict[str, Any]] = {}

    def read(self, text: str, asked: Asked = Asked()) -> Any:
        """A value as a person typed it. Raises ValidationError in words."""
        return text.strip()

    def read_part(self, text: str) -> str:
        """A part of a value that is searched for, as it was typed."""
        return text.strip()

    def searched(self, text: str) -> str:
        """A value, or a part of one, as it is searched."""
        return text

    def to_json(self, value: Any) -> Any:
        """As it stands in a JSON column."""
        return value

    def from_json(self, kept: Any) -> Any:
        """A kept value, typed; None for an empty one. Raises ValidationError for what cannot be read."""
        return None if kept in (None, "", [], {}) else kept

    def comparable(self, value: Any, other: Any, zone: ZoneInfo) -> Any:
        """As it is compared with `other`. Days are those of the zone."""
        return value

    def same(self, value: Any, other: Any, zone: ZoneInfo) -> bool:
        """Whether two typed values are one."""
        return bool(self.comparable(value, other, zone) == self.comparable(other, value, zone))

    def parts(self, text: str) -> list[str]:
        """Several values that were typed into one box: one a line, else parted by semicolons, else by commas."""
        for sign in ("\n", ";", ", ", ","):
            if sign in text.strip():
                return [part.strip() for part in text.split(sign) if part.strip()]
        return [text.strip()] if text.strip() else []

    def input(self, asked: Asked = Asked()) -> forms.Field:
        """The form field for one value that a condition compares with; what it gives is text for `read`."""
        return forms.CharField(required=False, max_length=500)

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        """As `input` shows a typed value, and `read` reads it back."""
        return "" if value is None else str(value)

    def filter(self, path: str, text: str) -> Q:
        """Rows whose JSON value at the path is what a person typed. Raises ValidationError for what is no value."""
        return Q(**{f"{path}__icontains": text})


class TextLike(FieldType):
    """Compared folded: "nguyen" is "Nguyễn"."""

    is_text = True
    operators = (*EQUALITY, "contains", "not_contains", "starts_with", *PRESENCE, *NEWS)

    def from_json(self, kept: Any) -> Any:
        if isinstance(kept, bool):
            return str(_("yes")) if kept else str(_("no"))
        found = super().from_json(kept)
        return None if found is None else str(found)

    def comparable(self, value: Any, other: Any, zone: ZoneInfo) -> Any:
        return None if value is None else fold(str(value))


def one_of_options(text: str, options: Sequence[str]) -> str:
    """The option that was meant. Raises ValidationError where there is none like it."""
    bare = text.strip()
    if not options or bare in options:
        return bare
    folded = {fold(option): option for option in options}
    if fold(bare) not in folded:
        raise ValidationError(gettext_lazy("“%s” is none of the options.") % bare[:60])
    return folded[fold(bare)]
