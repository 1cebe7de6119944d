"""Form fields of our actions and trigger types."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Scope
from documents.models import DocumentTemplate


class TemplateChoice(forms.ModelChoiceField):
    """A template in use that cards of the pipeline may be made into; with `kind`, of that kind only."""

    def __init__(self, kind: str = "", **kwargs: Any) -> None:
        rows = DocumentTemplate.objects.filter(is_active=True)
        super().__init__(queryset=rows.filter(kind=kind) if kind else rows, **kwargs)
        self.kind = kind
        self.error_messages["invalid_choice"] = _("This template no longer exists or is not in use.")

    def place(self, scope: Scope) -> None:
        rows = DocumentTemplate.offered(scope.stage.pipeline_id)
        self.queryset = rows.filter(kind=self.kind) if self.kind else rows
