"""One cell as a value of ours; each kind of column has its reader. All raise ValidationError in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import phones
from crm.folding import fold
from crm.models import User

DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d")
TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M")


def _text(cell: str) -> str:
    return cell


def amount(cell: str) -> Decimal:
    """ "1 234,50 zł", "1,234.50", "-12": the last separator with one or two digits behind it is the decimal one."""
    bare = re.sub(r"[^\d,.\-]", "", cell)
    match = re.fullmatch(r"(-?[\d.,]*?)(?:[.,](\d{1,2}))?", bare)
    if re.search(r"[=*/]|\d\s*\+", cell) or not bare or match is None or not re.search(r"\d", bare):
        raise ValidationError(_("“%s” is not an amount.") % cell[:40])
    whole = re.sub(r"[.,]", "", match.group(1)) or "0"
    try:
        found = Decimal(f"{whole}.{match.group(2) or '0'}")
    except InvalidOperation:
        raise ValidationError(_("“%s” is not an amount.") % cell[:40]) from None
    if abs(found) >= Decimal(10) ** 16:
        raise ValidationError(_("“%s” is too large.") % cell[:40])
    return found


def _whole(cell: str) -> int:
    bare = cell.removesuffix("%").strip()
    if not bare.isascii() or not bare.isdigit() or int(bare) > 100:
        raise ValidationError(_("“%s” is not a whole number from 0 to 100.") % cell[:40])
    return int(bare)


def day(cell: str) -> date:
    return _moment_in(cell, "").date()


def _moment(cell: str) -> datetime:
    """In the zone of whoever imports."""
    found = _moment_in(cell, "")
    return found if timezone.is_aware(found) else timezone.make_aware(found).astimezone(UTC)


def _moment_in(cell: str, _zone: str) -> datetime:
    for pattern in DATES:
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
    found = [part.strip().lower() for part in re.split(r"[;,\s]+", cell) if part.strip()]
    for address in found:
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(_("“%s” is not an e-mail address.") % address[:60]) from None
    return found


def _phone(cell: str) -> list[str]:
    return [phones.parse(part) for part in re.split(r"[;,/\n]+", cell) if part.strip()]


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
