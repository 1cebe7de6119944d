"""How large and how fine a number may be: one limit for each kind of thing, asked by every door.

Fifteen digits in all, because that is what both databases give back as they took it: SQLite keeps decimals as floats,
which are exact for fifteen. PostgreSQL would hold more, but a company moves from one to the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, DecimalTuple
from typing import Any

from babel.numbers import format_decimal
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

# Products of two numbers of fifteen digits, and sums of many of them, without a digit lost.
EXACT = Context(prec=60)


@dataclass(frozen=True)
class Limit:
    """Of one kind of number, either sign.

    Args:
        places: digits after the decimal sign.
        digits: all digits.
        is_money: "1,500" is read as money is (crm/ground/amounts.py); else by the language alone.
    """

    places: int
    digits: int = 15
    is_money: bool = False

    @property
    def bound(self) -> Decimal:
        """The first number that is too large."""
        return Decimal(10) ** (self.digits - self.places)

    @property
    def most(self) -> Decimal:
        return self.bound - Decimal(1).scaleb(-self.places)

    def holds(self, value: Decimal) -> bool:
        # By its first digit's place: one with a hundred million digits before the sign is not multiplied out.
        return value.is_finite() and (not value or value.adjusted() < self.digits - self.places)

    def check(self, value: Decimal) -> None:
        """Raises ValidationError in words for a number that no column of this kind could hold."""
        if isinstance(value, Unreadable):
            raise ValidationError(_("This value cannot be read. Please enter it again."), code="unreadable")
        if not self.holds(value):
            most = format_decimal(self.most, format="#,##0.########", locale=get_language() or "en")
            raise ValidationError(
                _("“%(value)s” is too large: at most %(most)s."),
                code="too_large",
                params={"value": str(value)[:40], "most": most},
            )


MONEY = Limit(places=2, is_money=True)
PRICE = Limit(places=4, is_money=True)
QUANTITY = Limit(places=4, digits=14)
RATE = Limit(places=8)
NUMBER = Limit(places=6)
PERCENT = Limit(places=3, digits=6)


class Unreadable(Decimal):
    """What stands where a broken value is kept: it says so instead of stopping the page that shows it.

    No number: what is reckoned with it cannot be read either, and it is neither more nor less than anything.
    """

    def __new__(cls) -> Unreadable:
        return Decimal.__new__(cls, "NaN")

    def __str__(self) -> str:
        return gettext("cannot be read")

    def __format__(self, spec: str, context: Any = None) -> str:
        return str(self)

    def as_tuple(self) -> DecimalTuple:
        # Django's templates look for how many digits to print, and fail on what is no number.
        return Decimal(0).as_tuple()

    def _neither(self, other: Any) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _neither

    def _still(self, *others: Any, **more: Any) -> Unreadable:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _still
    __neg__ = __abs__ = quantize = normalize = to_integral_value = _still
