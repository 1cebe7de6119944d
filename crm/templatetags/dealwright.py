"""Template words used on every page: icons, money, numbers, dates by the reader's locale."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from babel import dates as babel_dates
from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.fields import Field, type_of_value
from crm.ground import clock, phones
from crm.ground.shown import day, exactly, locale_name, money, num
from crm.messages.mail import invitations

register = template.Library()


@lru_cache(maxsize=500)
def _icon(name: str, extra: str) -> str:
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        extra,
        static("vendor/icons.svg"),
        name,
    )


@register.simple_tag
def icon(name: str, extra: str = "") -> str:
    """An icon of the sprite; decoration only, the words stand beside it."""
    return _icon(name, extra)


for _name, _shown in (("money", money), ("num", num), ("day", day), ("exactly", exactly)):
    register.filter(_name, _shown)


@register.filter
def invited_when(invitation: dict[str, Any]) -> str:
    """When an invitation is for, in the reader's zone: "3 Dec 2026, 11:00 – 12:00"; a whole day as its date."""
    try:
        start, end = invitations.starts(invitation), invitation.get("end", "")
        if invitations.is_whole_day(invitation):
            return day(start)
        start = timezone.localtime(start)
        until = timezone.localtime(datetime.fromisoformat(end)) if end else None
    except (ValueError, KeyError, OverflowError):
        return ""
    said = f"{day(start)}, {babel_dates.format_time(start, 'short', locale=locale_name())}"
    if until is None:
        return said
    later = "" if until.date() == start.date() else f"{day(until)}, "
    return f"{said} – {later}{babel_dates.format_time(until, 'short', locale=locale_name())}"


@register.filter
def when(value: Any) -> str:
    """Relative up to a week, then the date: "12 min ago", "in 3 h", "14 Nov 2026"."""
    if not value:
        return ""
    delta = value - clock.now()
    if abs(delta.total_seconds()) > 7 * 86400:
        return day(value)
    return str(
        babel_dates.format_timedelta(delta, add_direction=True, locale=locale_name(), threshold=0.95, format="short")
    )


@register.filter
def as_read(value: Any, field: Field | None = None) -> str:
    """A kept value as its reader writes it: numbers, dates and times in their locale, yes and no, lists with commas.

    Args:
        value: a column's, or a custom field's from the JSON column, where dates and numbers are texts.
        field: it described; without one the value itself tells.
    """
    return (field.type if field else type_of_value(value)).told(value)


@register.filter
def days_since(value: Any) -> str:
    if not value:
        return ""
    days = max(0, (clock.now() - value).days)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days} if days else _("today")


@register.filter
def phone(value: str) -> str:
    return phones.display(value) if value else ""


@register.filter
def get(mapping: Any, key: Any) -> Any:
    return mapping.get(key) if mapping else None
