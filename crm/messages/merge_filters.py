"""What merge texts write values with: {{ amount | money }}, in the customer's language and zone.

Language, zone and currency come with the rendering (`formats` of crm/messages/merge_budget.py), where no text can change them.
"""

from __future__ import annotations

import datetime as dates
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import dates as babel_dates
from babel import numbers as babel_numbers
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context

from crm.ground import phones
from crm.ground.sentences import said


def _language(context: Any) -> str:
    return str(context.formats.get("language", "en"))


def _zone(context: Any) -> ZoneInfo:
    return ZoneInfo(str(context.formats.get("zone", "UTC")))


def _decimal(value: Any) -> Decimal:
    try:
        found = Decimal(str(value))
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite():
        raise FilterArgumentError(said("text.no_number", "“%s” is no number") % str(value)[:40], token=None)
    return found


@with_context
def money(value: Any, currency: Any = "", *, context: Any) -> str:
    """12500.5 | money: "PLN" -> 12 500,50 zł (pl); a currency's own number of decimals."""
    if value is None or value == "":
        return ""
    code = str(currency or context.formats.get("currency", "EUR"))[:3]
    return str(babel_numbers.format_currency(_decimal(value), code, locale=_language(context)))


@with_context
def number(value: Any, *, context: Any) -> str:
    return "" if value in (None, "") else str(babel_numbers.format_decimal(_decimal(value), locale=_language(context)))


@with_context
def date(value: Any, style: Any = "medium", *, context: Any) -> str:
    if isinstance(value, dates.datetime):
        value = value.astimezone(_zone(context)).date()
    if isinstance(value, str) and value:
        try:
            value = dates.date.fromisoformat(value[:10])
        except ValueError:
            raise FilterArgumentError(said("text.no_date", "“%s” is no date") % value[:40], token=None) from None
    if not value:
        return ""
    if not isinstance(value, dates.date):
        raise FilterArgumentError(said("text.no_date", "“%s” is no date") % str(value)[:40], token=None)
    if len(str(style)) > 40:
        raise FilterArgumentError(said("text.no_style", "“%s” is no style of dates") % str(style)[:40], token=None)
    return str(babel_dates.format_date(value, str(style), locale=_language(context)))


@with_context
def time(value: Any, *, context: Any) -> str:
    if not isinstance(value, dates.datetime):
        return ""
    return str(babel_dates.format_time(value.astimezone(_zone(context)), "short", locale=_language(context)))


def needed(value: Any, name: Any = "") -> Any:
    """{{ company.tax_number | needed: "tax number" }}: an empty value is an error that names it."""
    if value in (None, "", []):
        words = (
            said("text.needed_named", "“%s” is empty, and needed here") % name
            if name
            else said("text.needed", "a needed value is empty")
        )
        raise FilterArgumentError(words, token=None)
    return value


def phone(value: Any) -> str:
    return phones.display(str(value)) if value else ""
