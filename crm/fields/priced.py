from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, Cells
from crm.fields.money import Money
from crm.ground import amounts
from crm.ground.amounts import Amount


class Priced(Money):
    """Money that may name its own currency, as the amount of an item does."""

    key = "priced"
    label = _("amount")
    is_custom = False

    def cell(self, text: str, cells: Cells, asked: Asked = Asked()) -> Amount:
        """To the cent, with the currency that stands beside it, if one does."""
        found = amounts.read(text, currency=cells.currency)
        self.limit.check(found.value)
        return Amount(found.value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP), found.currency)
