from __future__ import annotations

from datetime import time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, FieldType
from crm.ground import dates


class ClockTime(FieldType):
    """The time of day at which something is judged."""

    key = "time"
    label = _("time of day")
    operators = ("time_between",)
    is_custom = False

    def read(self, text: str, asked: Asked = Asked()) -> time:
        return dates.read_time(text)

    def to_json(self, value: Any) -> Any:
        return f"{value:%H:%M}" if isinstance(value, time) else value

    def told_typed(self, value: Any) -> str:
        return self.shown(value)

    def from_json(self, kept: Any) -> Any:
        return kept if kept is None or isinstance(kept, time) else self.read(str(kept))

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.TimeField(widget=forms.TimeInput(attrs={"type": "time"}), **options)

    def parts(self, text: str) -> list[str]:
        """ "18:00-08:00" too."""
        return [part.strip() for part in text.replace("–", "-").split("-")] if "," not in text else super().parts(text)

    def input(self, asked: Asked = Asked()) -> forms.Field:
        return forms.CharField(required=False, max_length=20, widget=forms.TimeInput(attrs={"type": "time"}))

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        return "" if value is None else f"{value:%H:%M}"
