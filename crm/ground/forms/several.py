"""Several rows of a list, by their ids."""

from __future__ import annotations

from typing import Any

from django import forms

from crm.ground.ids import id_of


class Several(forms.ModelMultipleChoiceField):
    """An id beyond what any row can have is one of nobody, and no error of the database."""

    def clean(self, value: Any) -> Any:
        sent = value if isinstance(value, list | tuple) else [value] if value else []
        return super().clean([one if id_of(one) is not None else 0 for one in sent])
