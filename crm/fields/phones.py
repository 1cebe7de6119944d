from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, Cells
from crm.fields.phone import Phone
from crm.ground import phones
from crm.ground.phones import PhoneNumber


class Phones(Phone):
    """Several numbers of one record."""

    key = "phones"
    label = _("phones")
    is_custom = False
    lists = True

    def cells(self, text: str, cells: Cells, asked: Asked = Asked()) -> tuple[list[Any], list[str]]:
        """One bad number beside a good one does not cost the row. Whole first: "030/2345678" is one number."""
        found: list[PhoneNumber] = []
        unread: list[str] = []
        for part in _numbers(text, (r"[;\n|]+", r"[,/]+")):
            try:
                number = phones.parse(part)
            except ValidationError:
                unread.append(_now("“%(number)s” is not a phone number.") % {"number": part[:40]})
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
