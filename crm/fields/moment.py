from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, Cells
from crm.fields.day import Date, day_in
from crm.ground import dates
from crm.ground.forms.moments import MomentField
from crm.ground.shown import day, exactly


class DateTime(Date):
    """A moment. Compared with a day, its own day counts; compared with a moment, the moment."""

    key = "datetime"
    label = _("date and time")
    schema = {"type": "string", "format": "date-time"}

    def to_json(self, value: Any) -> Any:
        """A moment in UTC: texts of one zone compare as moments do."""
        if isinstance(value, datetime) and value.tzinfo is not None:
            value = value.astimezone(UTC)
        return super().to_json(value)

    def initial(self, kept: Any) -> Any:
        return self.typed(kept)

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        return MomentField(widget=widget, **options)

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> datetime:
        """In the zone of whoever imports."""
        found = dates.read_moment(text, cells.order)
        return found if timezone.is_aware(found) else timezone.make_aware(found).astimezone(UTC)

    def told_typed(self, value: Any) -> str:
        return exactly(value) if isinstance(value, datetime) else day(value)

    def read(self, text: str, asked: Asked = Asked()) -> Any:
        found = dates.read_moment(text)
        if found.time() == time() and found.tzinfo is None:
            return found.date()
        return found if found.tzinfo else timezone.make_aware(found)

    def comparable(self, value: Any, other: Any, zone: ZoneInfo) -> Any:
        if isinstance(value, datetime) and isinstance(other, datetime):
            return value if value.tzinfo else value.replace(tzinfo=zone)
        return day_in(value, zone)

    def input(self, asked: Asked = Asked()) -> forms.Field:
        # Text, and no calendar of the browser's: a day alone, or a day with its time.
        return forms.CharField(
            required=False, max_length=40, widget=forms.TextInput(attrs={"placeholder": "2026-12-31 14:30"})
        )

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        if not isinstance(value, datetime):
            return super().shown(value, asked)
        return f"{timezone.localtime(value) if value.tzinfo else value:%Y-%m-%d %H:%M}"

    def filter(self, path: str, text: str) -> Q:
        """All moments of a day, as the current zone counts days; kept as text in UTC, so texts compare."""
        zone = timezone.get_current_timezone()
        start = datetime.combine(dates.read_day(text), time(), zone)
        first, after = (moment.astimezone(UTC).isoformat() for moment in (start, start + timedelta(days=1)))
        return Q(**{f"{path}__gte": first, f"{path}__lt": after})
