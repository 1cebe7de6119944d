"""One cell as a value of ours; each kind of column has its reader. All raise ValidationError in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import decimals, phones
from crm.addresses import one_spelling
from crm.folding import fold
from crm.models import User

DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d")
MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y")
TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %I:%M:%S %p", " %I:%M %p")
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-]\d{4}\b")


def month_comes_first(cells: Iterable[str]) -> bool:
    """Whether a column of dates is written as in the United States: some second part is no month, no first part is."""
    pairs = [(int(m[1]), int(m[2])) for m in map(_SLASHED.match, cells) if m]
    return any(second > 12 for _first, second in pairs) and not any(first > 12 for first, _second in pairs)


def _text(cell: str) -> str:
    return cell


# A whole number in groups of three, then perhaps decimals; or digits with one decimal separator.
_GROUPED = re.compile(r"([1-9]\d{0,2})(?:([.,])\d{3})(?:\2\d{3})*(?:([.,])(\d+))?")
_PLAIN = re.compile(r"(\d+)(?:[.,](\d+))?")
_CURRENCY = re.compile(r"^(?:[^\W\d_]{1,4}\.?|[€$£¥₫₽₴])\s*|\s*(?:[^\W\d_]{1,4}\.?|[€$£¥₫₽₴])$")


def amount(cell: str) -> Decimal:
    """ "1 234,50 zł", "1,234.50", "(12.50)", "1500.0000".

    A separator groups thousands only if the whole number is made of groups of three; else the last one is decimal.
    """
    if len(cell) > 80:
        raise ValidationError(_("“%s” is not an amount.") % cell[:40])
    text = cell.strip().replace("\u2212", "-")
    minus = text.startswith("(") and text.endswith(")")
    text = _CURRENCY.sub("", text.strip("() "), count=1)
    text = _CURRENCY.sub("", text, count=1).strip()
    minus, text = minus or text.startswith("-") or text.endswith("-"), text.strip("-+ ")
    bare = re.sub(r"(?<=\d)[\s'\u00a0\u202f](?=\d{3}(?!\d))", "", text)
    found = _read_amount(bare)
    if found is None:
        raise ValidationError(_("“%s” is not an amount.") % cell[:40])
    decimals.MONEY.check(found)
    return (-found if minus else found).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _read_amount(bare: str) -> Decimal | None:
    grouped = _GROUPED.fullmatch(bare)
    if grouped is not None and grouped.group(3) != grouped.group(2):
        whole = bare[: grouped.start(3)] if grouped.group(3) else bare
        return Decimal(f"{re.sub('[.,]', '', whole)}.{grouped.group(4) or 0}")
    plain = _PLAIN.fullmatch(bare)
    return Decimal(f"{plain.group(1)}.{plain.group(2) or 0}") if plain else None


def _whole(cell: str) -> int:
    bare = cell.removesuffix("%").strip()
    if not bare.isascii() or not bare.isdigit() or int(bare) > 100:
        raise ValidationError(_("“%s” is not a whole number from 0 to 100.") % cell[:40])
    return int(bare)


def day(cell: str) -> date:
    return _moment_in(cell, DATES).date()


def american_day(cell: str) -> date:
    return _moment_in(cell, (*MONTH_FIRST, *DATES)).date()


def _moment(cell: str) -> datetime:
    return _aware(_moment_in(cell, DATES))


def american_moment(cell: str) -> datetime:
    return _aware(_moment_in(cell, (*MONTH_FIRST, *DATES)))


def _aware(found: datetime) -> datetime:
    """In the zone of whoever imports."""
    return found if timezone.is_aware(found) else timezone.make_aware(found).astimezone(UTC)


def _moment_in(cell: str, patterns: tuple[str, ...]) -> datetime:
    for pattern in patterns:
        for clock in TIMES:
            try:
                return datetime.strptime(cell, pattern + clock)
            except ValueError:
                continue
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        raise ValidationError(_("“%s” is not a date.") % cell[:40]) from None


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


def _phone(cell: str) -> list[str]:
    return list(dict.fromkeys(phones.parse(part) for part in re.split(r"[;,/\n]+", cell) if part.strip()))


def _list(cell: str) -> list[str]:
    return [part.strip()[:50] for part in re.split(r"[;,]", cell) if part.strip()]


def _currency(cell: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{3}", cell):
        raise ValidationError(_("“%s” is not a currency such as EUR.") % cell[:20])
    return cell.upper()


def _language(cell: str) -> str:
    known = {fold(str(name)): code for code, name in settings.LANGUAGES}
    code = cell.lower()[:2]
    found = known.get(fold(cell)) or (code if code in dict(settings.LANGUAGES) else None)
    if found is None:
        raise ValidationError(_("“%s” is not a language of ours.") % cell[:20])
    return found


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


READERS: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "money": amount,
    "whole": _whole,
    "date": day,
    "moment": _moment,
    "email": _email,
    "phone": _phone,
    "list": _list,
    "currency": _currency,
    "language": _language,
}
