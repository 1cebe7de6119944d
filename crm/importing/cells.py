"""One cell as a value of ours; each kind of column has its reader. All raise ValidationError in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm import amounts, decimals, phones
from crm.addresses import one_spelling
from crm.amounts import Amount
from crm.folding import fold
from crm.models import User
from crm.phones import PhoneNumber


def _text(cell: str) -> str:
    return cell


def amount(cell: str, currency: str = "") -> Amount:
    """Money, to the cent. `currency`: the ISO code that the row's amounts are in."""
    found = amounts.read(cell, currency=currency)
    decimals.MONEY.check(found.value)
    return Amount(found.value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP), found.currency)


def _whole(cell: str) -> int:
    found = amounts.read_number(cell)
    if not 0 <= found <= 100 or found != int(found):
        raise ValidationError(_("“%s” is not a whole number from 0 to 100.") % cell[:40])
    return int(found)


def aware(found: datetime) -> datetime:
    """In the zone of whoever imports."""
    return found if timezone.is_aware(found) else timezone.make_aware(found).astimezone(UTC)


def _email(cell: str) -> list[str]:
    found = list(dict.fromkeys(one_spelling(part) for part in re.split(r"[;,\s]+", cell) if part.strip()))
    for address in found:
        try:
            validate_email(address)
            if len(address) > 254:
                raise ValidationError("")
        except ValidationError:
            raise ValidationError(_("“%s” is not an e-mail address.") % address[:60]) from None
    return found


def phones_of(cell: str) -> tuple[list[PhoneNumber], list[str]]:
    """The numbers of a cell, and what of it is none. Whole first: "030/2345678" is one number."""
    found: list[PhoneNumber] = []
    unread: list[str] = []
    for part in _numbers(cell, (r"[;\n|]+", r"[,/]+")):
        try:
            number = phones.parse(part)
        except ValidationError:
            unread.append(part)
        else:
            found += [number] if number and number not in found else []
    return found, unread


def _numbers(text: str, signs: tuple[str, ...]) -> list[str]:
    """Parted by the first sign that is needed: each part that is a number stays whole."""
    try:
        phones.parse(text)
    except ValidationError:
        parts = [part.strip() for part in re.split(signs[0], text) if part.strip()] if signs else []
        return [number for part in parts for number in _numbers(part, signs[1:])] if signs else [text.strip()]
    return [text]


def _list(cell: str) -> list[str]:
    return [part.strip()[:50] for part in re.split(r"[;,]", cell) if part.strip()]


def _currency(cell: str) -> str:
    found = amounts.currency_of(cell)
    if not found:
        raise ValidationError(_("“%s” is not a currency such as EUR.") % cell[:20])
    return found


def _language(cell: str) -> str:
    known = {fold(str(name)): code for code, name in settings.LANGUAGES}
    code = cell.lower()[:2]
    found = known.get(fold(cell)) or (code if code in dict(settings.LANGUAGES) else None)
    if found is None:
        raise ValidationError(_("“%s” is not a language of ours.") % cell[:20])
    return found


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


class People:
    """Active people by e-mail address or name, read once."""

    def __init__(self) -> None:
        self.known: dict[str, User] = {}
        for user in User.objects.filter(is_active=True).order_by("-pk"):
            self.known[user.email.lower()] = self.known[fold(user.name)] = user

    def __call__(self, cell: str) -> User:
        found = self.known.get(cell.strip().lower()) or self.known.get(fold(cell))
        if found is None:
            raise ValidationError(_("Nobody active here is called “%s”.") % cell[:60])
        return found


# What needs nothing but the cell; amounts, dates and phones are read by Maker, which knows the row and the file.
READERS: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "whole": _whole,
    "email": _email,
    "list": _list,
    "currency": _currency,
    "language": _language,
}
