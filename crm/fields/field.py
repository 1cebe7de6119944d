"""One field of an item, contact or company: ours, or one that an administrator added. Both are described alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.utils.text import capfirst

from crm.fields.base import Asked, FieldType


@dataclass(frozen=True)
class Field:
    """
    Args:
        name: of the column, or "custom.key".
        label: a lazy text for a field of ours.
        options: of a list: (kept value, label).
        currency: ISO code that its amounts are in; empty: not known.
        is_needed: a record cannot be without it.
        limits: further options of its form field, such as max_length.
    """

    name: str
    label: Any
    type: FieldType
    options: Sequence[tuple[str, Any]] = ()
    currency: str = ""
    is_needed: bool = False
    limits: tuple[tuple[str, Any], ...] = ()

    @property
    def is_custom(self) -> bool:
        return self.name.startswith("custom.")

    @property
    def key(self) -> str:
        """Of a custom one, without its prefix."""
        return self.name.removeprefix("custom.")

    @property
    def asked(self) -> Asked:
        return Asked(self.currency, self.options)

    def in_currency(self, currency: str) -> Field:
        return replace(self, currency=currency)

    def form_field(self, required: bool | None = None, **options: Any) -> forms.Field:
        """The form field that asks for it; it cleans to a typed value.

        Args:
            required: None: as the field itself is.
        """
        needed = self.is_needed if required is None else required
        label = self.label if self.is_custom else capfirst(self.label)
        limits = {**dict(self.limits), **options}
        made = self.type.form_field(self.asked, label=label, required=needed, **limits)
        made.described = self  # type: ignore[attr-defined]  # pages show a value as its field tells it
        return made

    def kept(self, value: Any) -> Any:
        """A cleaned value as the record keeps it: a custom one as JSON, a column typed."""
        return self.type.to_json(value) if self.is_custom else value

    def cleaned_text(self, text: str) -> Any:
        """A text that a rule wrote, as the record keeps it. Raises ValidationError in the form field's words."""
        return self.kept(self.type.cleaned_text(text, self.asked, **dict(self.limits)))
