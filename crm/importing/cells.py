"""What cells are looked up in, and how a value that was read is shown before a file is taken in."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from django.utils import timezone
from django.utils.translation import get_language

from crm.ground.amounts import Amount
from crm.ground.folding import fold
from crm.people.models import User


def people_by_name() -> dict[str, User]:
    """Active people by their folded name or address; of two namesakes the older."""
    known: dict[str, User] = {}
    for user in User.objects.filter(is_active=True).order_by("-pk"):
        known[fold(user.email)] = known[fold(user.name)] = user
    return known


def shown_value(value: Any) -> str:
    """A date or amount as the active language writes it, the month by its name: what a person checks the reading by."""
    locale = (get_language() or "en").replace("-", "_")
    if isinstance(value, Amount):
        return f"{format_decimal(value.value, locale=locale)} {value.currency}".strip()
    if isinstance(value, datetime):
        return str(format_datetime(timezone.localtime(value), "d MMM yyyy HH:mm", locale=locale))
    if isinstance(value, date):
        return str(format_date(value, "d MMM yyyy", locale=locale))
    text = str(value)
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return str(format_decimal(Decimal(text), locale=locale, decimal_quantization=False))
    return shown_value(datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text))
