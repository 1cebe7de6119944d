from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.fields.base import EQUALITY, NEWS, ORDER, PRESENCE, Asked, Cells, FieldType
from crm.ground import dates
from crm.ground.forms.moments import DayField
from crm.ground.shown import day


class Date(FieldType):
    key = "date"
    label = _("date")
    operators = (*EQUALITY, *ORDER, "last_days", "next_days", *PRESENCE, *NEWS)
    schema = {"type": "string", "format": "date"}
    is_day = True
    words = {
        "more_than": _("is after"),
        "at_least": _("is on or after"),
        "less_than": _("is before"),
        "at_most": _("is on or before"),
    }

    def read(self, text: str, asked: Asked = Asked()) -> date:
        return dates.read_day(text)

    def to_json(self, value: Any) -> Any:
        return value.isoformat() if hasattr(value, "isoformat") else value

    def merge_value(self, kept: Any) -> Any:
        """As ISO text, which Liquid compares with texts, and the filter `date` reads."""
        found = super().merge_value(kept)
        return found.isoformat() if isinstance(found, date) and not isinstance(found, datetime) else found

    def initial(self, kept: Any) -> Any:
        """A moment that was kept here once is its day."""
        found = self.typed(kept)
        return timezone.localtime(found).date() if isinstance(found, datetime) and found.tzinfo else found

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return DayField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> Any:
        return dates.read_day(text, cells.order)

    def told_typed(self, value: Any) -> str:
        return day(value)

    def from_json(self, kept: Any) -> date | datetime | None:
        found = super().from_json(kept)
        if found is None or isinstance(found, date):
            return found
        text = str(found)
        try:
            read = datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
        except ValueError:
            return self.read(text)
        dates.check_year(read)  # else some zone or page could not show it
        return read

    def comparable(self, value: Any, other: Any, zone: ZoneInfo) -> Any:
        return day_in(value, zone)

    def input(self, asked: Asked = Asked()) -> forms.Field:
        return forms.CharField(required=False, max_length=40, widget=forms.DateInput(attrs={"type": "date"}))

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        return "" if value is None else str(value.isoformat())[:10]

    def filter_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return forms.CharField(required=False, widget=forms.DateInput(attrs={"type": "date"}), **options)

    def filter(self, path: str, text: str) -> Q:
        return Q(**{path: self.read(text).isoformat()})


def day_in(value: Any, zone: ZoneInfo) -> date | None:
    """The day of a date or moment, as the zone counts days."""
    if isinstance(value, datetime):
        return (value.astimezone(zone) if value.tzinfo else value).date()
    if value is None or isinstance(value, date):
        return value
    raise ValidationError(_("“%s” is not a date.") % str(value)[:40])
