"""Values as their reader writes them: money, numbers, dates and times in the locale of the active language."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import dates as babel_dates
from babel import numbers as babel_numbers
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.ground.decimals import Unreadable


def locale_name() -> str:
    """The active language as Babel calls it."""
    return (get_language() or "en").replace("-", "_").split("_")[0]


def money(value: Any, currency: str = "EUR") -> str:
    """Money in the reader's locale, with the currency's decimals; whole amounts without them."""
    if value in (None, ""):
        return ""
    if isinstance(value, Unreadable):
        return str(value)
    return _money(str(value), currency or "EUR", locale_name())


@lru_cache(maxsize=20_000)
def _money(value: str, currency: str, name: str) -> str:
    amount = Decimal(value)
    whole = amount == amount.to_integral_value()
    locale = babel_numbers.Locale.parse(name)
    pattern = locale.currency_formats["standard"].pattern.replace(".00", "") if whole else None
    told = babel_numbers.format_currency(amount, currency, format=pattern, locale=locale, currency_digits=not whole)
    # CLDR's spacing between letters and digits, which Babel leaves out: "PLN 1,500", and "€1,500".
    return re.sub(r"(?<=[A-Za-z])(?=\d)", "\xa0", told)


def beside(name: Any, text: Any) -> str:
    """A name and what it stands for, with the colon as the language sets it ("Nom : Anna")."""
    return (_("%(name)s: %(value)s") % {"name": name, "value": text}).rstrip()


def num(value: Any) -> str:
    """A number in the reader's locale."""
    if value in (None, "") or isinstance(value, Unreadable):
        return str(value or "")
    try:
        return str(babel_numbers.format_decimal(Decimal(str(value)), locale=locale_name()))
    except ArithmeticError:  # more digits than anything of ours may have
        return str(value)


def _local(value: datetime) -> datetime:
    """In the reader's zone; one at the end of the calendar, from before there were limits, stays as it is."""
    try:
        return timezone.localtime(value)
    except OverflowError:
        return value


def day(value: Any) -> str:
    """A date, or the local day of an instant."""
    if isinstance(value, str) and value:
        value = date.fromisoformat(value[:10])
    if isinstance(value, datetime):
        value = _local(value).date()
    return str(babel_dates.format_date(value, "medium", locale=locale_name())) if value else ""


def exactly(value: Any) -> str:
    """Date and time in full, for the hover."""
    if not value:
        return ""
    return str(babel_dates.format_datetime(_local(value), "medium", locale=locale_name()))
