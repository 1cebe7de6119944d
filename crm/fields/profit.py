from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.fields.base import FieldType
from crm.ground.shown import money, num


class ProfitType(FieldType):
    """What an item earns, a row beside it (crm/items/models/profit.py); shown to those alone who see profit."""

    key = "profit"
    label = _("profit")
    is_custom = False
    is_public = False
    is_confidential = True
    operators = ()

    def told_typed(self, value: Any) -> str:
        """ "1,200 € · 35.5 %"."""
        amount = money(value.amount, value.item.currency)
        return amount if value.margin is None else f"{amount} · {num(value.margin)} %"
