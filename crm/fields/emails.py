from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, Cells
from crm.fields.email import Email
from crm.ground.addresses import as_typed


class Emails(Email):
    """Several addresses of one record."""

    key = "emails"
    label = _("e-mail addresses")
    is_custom = False
    lists = True

    def cells(self, text: str, cells: Cells, asked: Asked = Asked()) -> tuple[list[Any], list[str]]:
        """Raises ValidationError for the first that is none."""
        found = list(dict.fromkeys(as_typed(part) for part in _parts(text)))
        for address in found:
            try:
                validate_email(address)
                if len(address) > 254:
                    raise ValidationError("")
            except ValidationError:
                raise ValidationError(_now("“%s” is not an e-mail address.") % address[:60]) from None
        return found, []


def _parts(text: str) -> list[str]:
    """Between commas, semicolons, lines; between spaces too, but within a name and its address."""
    pieces = [piece.strip() for piece in re.split(r"[;,\n]+", text)]
    return [part for piece in pieces for part in ([piece] if "<" in piece else piece.split())]
