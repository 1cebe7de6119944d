"""Form fields of our actions and trigger types."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Scope
from documents.models import DocumentTemplate


class TemplateChoice(forms.ModelChoiceField):
    """A template in use that cards of the pipeline may be made into; with `kind`, of that kind only.

    Args:
        without: a kind that is made in another way.
    """

    def __init__(self, kind: str = "", without: str = "", **kwargs: Any) -> None:
        self.kind, self.without = kind, without
        super().__init__(queryset=self._of_kind(DocumentTemplate.objects.filter(is_active=True)), **kwargs)
        self.error_messages["invalid_choice"] = _("This template no longer exists or is not in use.")

    def place(self, scope: Scope) -> None:
        self.queryset = self._of_kind(DocumentTemplate.offered(scope.pipeline_id))

    def _of_kind(self, rows: Any) -> Any:
        return rows.filter(kind=self.kind) if self.kind else rows.exclude(kind=self.without)
