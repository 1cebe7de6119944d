"""Numbers as merge texts get them: equal to texts too.

Until 28 November 2026 own fields were texts there, so `{% if item.custom.size == '5' %}` is written in many a template, and has to
go on meaning what it meant.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


class MergedNumber(Decimal):
    def _other(self, other: Any) -> Any:
        if not isinstance(other, str):
            return other
        try:
            return Decimal(other)
        except ArithmeticError:
            return other

    def __eq__(self, other: object) -> bool:
        return super().__eq__(self._other(other)) is True  # NotImplemented is no answer to a template

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return super().__lt__(self._other(other))

    def __le__(self, other: Any) -> bool:
        return super().__le__(self._other(other))

    def __gt__(self, other: Any) -> bool:
        return super().__gt__(self._other(other))

    def __ge__(self, other: Any) -> bool:
        return super().__ge__(self._other(other))

    __hash__ = Decimal.__hash__
