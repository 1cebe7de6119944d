from __future__ import annotations

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, FieldType
from crm.ground import dates


class Weekday(FieldType):
    """The day of the week on which something is judged: "mon" … "sun"."""

    key = "weekday"
    label = _("day of the week")
    operators = ("weekday_is",)
    is_custom = False

    def read(self, text: str, asked: Asked = Asked()) -> str:
        return dates.read_weekday(text)

    def from_json(self, kept: object) -> str | None:
        return None if kept in (None, "") else self.read(str(kept))

    def input(self, asked: Asked = Asked()) -> forms.Field:
        choices = [(key, WEEKDAYS[place]) for place, key in enumerate(dates.WEEKDAYS)]
        return forms.ChoiceField(required=False, choices=choices)
