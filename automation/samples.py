"""Settings that a type could have, made from its form: for the documentation's examples."""

from __future__ import annotations

from datetime import time
from typing import Any

from django import forms
from django.utils.choices import CallableChoiceIterator

from automation.fields import MergeTextField
from automation.operand import OperandField


def fixed_choices(field: forms.Field) -> list[str]:
    """Keys to choose from, of a list that is the same in every house."""
    if not isinstance(field, forms.ChoiceField) or isinstance(field, forms.ModelChoiceField):
        return []
    rows: Any = field.choices
    return [] if isinstance(rows, CallableChoiceIterator) else [str(key) for key, _label in rows if key]


def sample_of(form: Any) -> dict[str, Any]:
    """Raw settings as a program would send them: what is needed, and what stands there at first."""
    found = {name: _sample(name, field) for name, field in form.base_fields.items()}
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _sample(name: str, field: forms.Field) -> Any:
    initial = field.initial() if callable(field.initial) else field.initial
    if isinstance(field, forms.BooleanField):
        return "on" if initial else None
    if isinstance(field, forms.ModelMultipleChoiceField):
        return [1] if field.required else None
    if isinstance(field, forms.ModelChoiceField):
        return 1 if field.required else None
    if isinstance(initial, time):
        return initial.strftime("%H:%M")
    if initial not in (None, ""):
        return str(initial)
    if not field.required:
        return None
    return _needed(name, field)


def _needed(name: str, field: forms.Field) -> Any:
    if isinstance(field, forms.ChoiceField):
        return next(iter(fixed_choices(field)), "due_date")
    if isinstance(field, forms.IntegerField):
        return str(field.min_value or 1)
    if isinstance(field, OperandField):
        return "item.amount"
    if isinstance(field, MergeTextField):
        return "{{ item.title }}"
    return "https://example.com/" if isinstance(field, forms.URLField) else name
