"""The lines of an item as people type them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import prefetch_related_objects
from django.utils.formats import localize_input
from django.utils.translation import gettext_lazy as _

from crm.company.models import OwnCompany
from crm.ground import decimals
from crm.ground.amounts import Amount
from crm.ground.forms.amounts import AmountField, DiscountField
from crm.items.listing import state_of
from crm.items.models.items import Item
from crm.items.models.lines import LineItem, Product, TaxRate, rounded
from crm.people.models import User
from crm.pipelines.roles import sees_profit

MOST_LINES = 500
NUMBER = {"inputmode": "decimal", "class": "form-control text-end"}


class LineForm(forms.Form):
    """One line; a row without a name is no line."""

    product = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(
        label=_("Product or service"),
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={"class": "form-control", "list": "products", "dir": "auto", "autocomplete": "off"}
        ),
    )
    quantity = AmountField(
        label=_("Quantity"), required=False, limit=decimals.QUANTITY,
        widget=forms.TextInput(attrs=NUMBER),
    )  # fmt: skip
    unit = forms.CharField(
        label=_("Unit"), required=False, max_length=20, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    price = AmountField(
        label=_("Price"), required=False, limit=decimals.PRICE,
        widget=forms.TextInput(attrs=NUMBER),
    )  # fmt: skip
    cost = AmountField(
        label=_("Cost price"), required=False, limit=decimals.PRICE, min_value=0,
        widget=forms.TextInput(attrs=NUMBER),
    )  # fmt: skip
    discount = DiscountField(
        label=_("Discount"), required=False,
        widget=forms.TextInput(attrs={"class": "form-control text-end", "autocomplete": "off"}),
    )  # fmt: skip
    tax = forms.ChoiceField(label=_("Tax"), required=False, widget=forms.Select(attrs={"class": "form-select"}))

    def __init__(self, *args: Any, rates: dict[str, TaxRate], kept: set[str], with_costs: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not with_costs:
            del self.fields["cost"]
        self.rates = rates
        # A line keeps the rate that it was agreed with, even one that has been taken out since.
        box: Any = self.fields["tax"]
        box.choices = [
            ("", _("none")),
            *((name, name) for name in rates),
            *((name, name) for name in sorted(kept - rates.keys())),
        ]

    @property
    def is_blank(self) -> bool:
        return not self.cleaned_data.get("name", "").strip()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # An empty row shows one piece already.
        if not data.get("name", "").strip() and data.get("price"):
            self.add_error("name", _("What is sold?"))
        if data.get("name", "").strip() and data.get("price") is None and "price" not in self.errors:
            self.add_error("price", _("What does it cost?"))
        return data


class LinesForm:
    """All lines of an item together: bound to what was sent, or showing what is kept and some empty rows."""

    EMPTY = 2

    def __init__(self, item: Item, user: User, data: Any = None) -> None:
        # Who does not see costs sends none: each line keeps its own (crm/items/listing.py).
        self.with_costs = sees_profit(user)
        # Read once for all that follows.
        prefetch_related_objects([item], "lines")
        self.item = item
        self.rates = {rate.name: rate for rate in TaxRate.objects.all()}
        self.kept = {line.tax_name: line for line in item.lines.all() if line.tax_name}
        self.was = state_of(item)
        self.fault = ""
        # What the sent form was made of; it is asked again under the item's lock.
        self.sent = data.get("was", self.was) if data is not None else self.was
        if self.sent != self.was:
            self.is_stale()
        lines = list(item.lines.all())
        if lines:
            self.included = lines[0].tax_included
        else:
            own = OwnCompany.first()
            self.included = own.prices_include_tax if own else False
        default = min(self.rates.values(), key=lambda rate: (not rate.is_default, rate.order, rate.pk), default=None)
        empty = {"quantity": 1, "tax": default.name if default else ""}
        if data is None:
            rows = [self._initial(line) for line in lines] + [empty] * self.EMPTY
            self.forms = [self._form(number, initial=row) for number, row in enumerate(rows)]
        else:
            count = min(
                int(data.get("rows", "0")) if re.fullmatch("[0-9]{1,6}", str(data.get("rows", ""))) else 0, MOST_LINES
            )
            # A form that was opened before the right was given showed no costs: what it does not name stays.
            self.with_costs = self.with_costs and (not count or any(name.endswith("-cost") for name in data))
            self.forms = [self._form(number, data) for number in range(count)]
        self.blank = self._form("__n__", initial=empty)

    def _form(self, number: Any, data: Any = None, initial: dict[str, Any] | None = None) -> LineForm:
        made = LineForm(
            data,
            prefix=f"l{number}",
            initial=initial,
            rates=self.rates,
            kept=set(self.kept),
            with_costs=self.with_costs,
        )
        for name in ("price", "discount", *(("cost",) if self.with_costs else ())):
            box: Any = made.fields[name]
            box.currency = self.item.currency
        made.fields["discount"].widget.attrs["placeholder"] = f"10 % · 50 {self.item.currency}"
        return made

    def _initial(self, line: LineItem) -> dict[str, Any]:
        return {
            "product": line.product_id,
            "name": line.name,
            "quantity": line.quantity.normalize() + 0,
            "unit": line.unit,
            "price": _short(line.price, self.item.currency),
            "cost": None if line.cost is None else _short(line.cost, self.item.currency),
            "discount": _discount(line, self.item.currency),
            "tax": line.tax_name,
        }

    def is_stale(self) -> None:
        self.fault = str(
            _("Somebody has changed the lines meanwhile. What you typed is below; saving again replaces theirs.")
        )

    def is_valid(self) -> bool:
        """Also judges each line as a whole; its fault is said at the discount that makes it."""
        if not all([form.is_valid() for form in self.forms]) or self.fault:
            return False
        for form in self.forms:
            if not form.is_blank:
                for sentence in self._line(form.cleaned_data, set()).faults(self.item.currency).values():
                    form.add_error("discount", sentence)
        return not any(form.errors for form in self.forms)

    @property
    def errors(self) -> list[str]:
        own = [self.fault] if self.fault else []
        return own + [str(error) for form in self.forms for errors in form.errors.values() for error in errors]

    def lines(self) -> list[LineItem]:
        """Unsaved rows of what was typed, for `replace_lines`."""
        filled = [form.cleaned_data for form in self.forms if not form.is_blank]
        known = set(
            Product.objects.filter(pk__in=[row["product"] for row in filled if row["product"]]).values_list(
                "pk", flat=True
            )
        )
        return [self._line(row, known) for row in filled]

    def _line(self, row: dict[str, Any], products: set[int]) -> LineItem:
        """Args: products: ids of those that exist."""
        rate, kept = self.rates.get(row["tax"]), self.kept.get(row["tax"])
        percent = kept.tax_percent if kept else rate.percent if rate else None
        discount = row["discount"] or Amount(Decimal(0))
        return LineItem(
            product_id=row["product"] if row["product"] in products else None,
            name=row["name"].strip(),
            quantity=Decimal(1) if row["quantity"] is None else row["quantity"],
            unit=row["unit"].strip(),
            price=row["price"],
            cost=row.get("cost"),
            discount=Decimal(0) if discount.currency else discount.value,
            discount_amount=discount.value if discount.currency else Decimal(0),
            tax_name=row["tax"],
            tax_percent=percent,
            tax_included=self.included,
        )


def _discount(line: LineItem, currency: str) -> str:
    """As it is typed: "12,5 %", "50,00 EUR"."""
    if line.discount_amount:
        return f"{localize_input(rounded(line.discount_amount, currency))} {currency}"
    return f"{localize_input(line.discount.normalize() + 0)} %" if line.discount else ""


def _short(price: Decimal, currency: str) -> Decimal:
    """With the currency's decimals, where it has no more."""
    short = rounded(price, currency)
    return short if short == price else price
