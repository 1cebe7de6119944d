"""Template words used on every page: icons, money, numbers, dates by the reader's locale."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import dates as babel_dates
from babel import numbers as babel_numbers
from django import forms, template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from crm import clock, phones
from crm.decimals import Unreadable
from crm.mail import invitations

register = template.Library()


def _locale() -> str:
    return (get_language() or "en").replace("-", "_").split("_")[0]


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


@register.filter
def money(value: Any, currency: str = "EUR") -> str:
    """Money in the reader's locale, with the currency's decimals; whole amounts without them."""
    if value in (None, ""):
        return ""
    if isinstance(value, Unreadable):
        return str(value)
    return _money(str(value), currency or "EUR", _locale())


@lru_cache(maxsize=20_000)
def _money(value: str, currency: str, locale_name: str) -> str:
    amount = Decimal(value)
    whole = amount == amount.to_integral_value()
    locale = babel_numbers.Locale.parse(locale_name)
    pattern = locale.currency_formats["standard"].pattern.replace(".00", "") if whole else None
    return str(
        babel_numbers.format_currency(amount, currency, format=pattern, locale=locale, currency_digits=not whole)
    )


@register.filter
def num(value: Any) -> str:
    if value in (None, "") or isinstance(value, Unreadable):
        return str(value or "")
    return str(babel_numbers.format_decimal(Decimal(str(value)), locale=_locale()))


@register.filter
def day(value: Any) -> str:
    if isinstance(value, str) and value:
        value = date.fromisoformat(value[:10])
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return str(babel_dates.format_date(value, "medium", locale=_locale())) if value else ""


@register.filter
def exactly(value: Any) -> str:
    """Date and time in full, for the hover."""
    if not value:
        return ""
    return str(babel_dates.format_datetime(timezone.localtime(value), "medium", locale=_locale()))


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
    said = f"{day(start)}, {babel_dates.format_time(start, 'short', locale=_locale())}"
    if until is None:
        return said
    later = "" if until.date() == start.date() else f"{day(until)}, "
    return f"{said} – {later}{babel_dates.format_time(until, 'short', locale=_locale())}"


@register.filter
def when(value: Any) -> str:
    """Relative up to a week, then the date: "12 min ago", "in 3 h", "14 Nov 2026"."""
    if not value:
        return ""
    delta = value - clock.now()
    if abs(delta.total_seconds()) > 7 * 86400:
        return day(value)
    return str(
        babel_dates.format_timedelta(delta, add_direction=True, locale=_locale(), threshold=0.95, format="short")
    )


@register.filter
def as_read(value: Any, typed_into: forms.Field | None = None) -> str:
    """A kept value as its reader writes it: numbers, dates and times in their locale, yes and no, lists with commas.

    Args:
        value: a column's, or a custom field's from the JSON column, where dates and numbers are texts.
        typed_into: the form field that asks for it; None, and for a value that does not fit it, the value as it is.
    """
    if value in (None, "", []):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    try:
        if isinstance(value, datetime) or isinstance(typed_into, forms.DateTimeField):
            return exactly(datetime.fromisoformat(value) if isinstance(value, str) else value)
        if isinstance(value, date) or isinstance(typed_into, forms.DateField):
            return day(value)
        if isinstance(value, Decimal) or isinstance(typed_into, forms.IntegerField):
            return num(value)
    except (ValueError, ArithmeticError, AttributeError):
        pass  # kept before the field's type was changed
    return str(value)


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
