"""Add a line: a product of the catalogue, or what is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import MergeTextField
from automation.operand import OperandField, number_of
from crm.ground.sentences import first_of, said
from crm.items.listing import replace_lines
from crm.items.models.lines import LineItem, Product, TaxRate
from crm.models import Refused
from crm.pipelines.roles import sees_profit


@actions.register
class AddLineItem(Action):
    key = "add_line_item"
    label = _("Add a line")
    synonyms = _("product, position, article")
    example = _("Delivery is added where the order is below 1,000.")
    group = "documents"
    icon = "list"
    help = _("Lists a product or service on the card; the sum of all lines becomes its amount.")
    outputs = {"total": _("total")}
    alone = True

    class Settings(SettingsForm):
        confidential = ("cost",)
        product = forms.ModelChoiceField(
            Product.objects.filter(is_active=True), label=_("product"), required=False, empty_label=_("as named below")
        )
        name = MergeTextField(label=_("name"), multiline=False, max_length=200, required=False)
        price = OperandField(label=_("price"), required=False)
        quantity = OperandField(label=_("quantity"), initial="1")
        cost = OperandField(label=_("cost price"), required=False)
        discount = OperandField(label=_("discount, %"), required=False)
        tax = forms.ModelChoiceField(TaxRate.objects.all(), label=_("tax rate"), required=False, empty_label="—")

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("product") is None and not self.errors:
                for name in ("name", "price"):
                    if data.get(name) in (None, ""):
                        self.add_error(name, _now("Needed where no product is chosen."))
            return data

    def run(self, context: Context) -> Outcome:
        item, line = context.item, self._line(context)
        try:
            line.clean_fields(exclude=["item", "product"])
            lines = [*item.lines.all(), line]
            fresh = replace_lines(item, lines, by=context.rights, cause=context.cause, costs_said=True)
        except ValidationError as error:
            raise ActionError(first_of(error)) from error
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        fresh.refresh_from_db()
        return Done({"total": str(fresh.amount)}, summary=line.name)

    def _line(self, context: Context) -> LineItem:
        """Raises ActionError for a product in another currency, or a value that is no number."""
        settings, product = context.settings, context.settings["product"]
        if product is not None and settings["price"] == "" and product.currency != context.item.currency:
            words = said("line.other_currency", "“%(product)s” is priced in %(its)s, the card counts in %(ours)s.")
            told = {"product": product.name, "its": product.currency, "ours": context.item.currency}
            raise ActionError(words % told)
        tax = settings["tax"] or (product.tax if product is not None else None)
        price = number_of(context, settings["price"]) if settings["price"] != "" else product.price
        return LineItem(
            product=product,
            name=(context.text(settings["name"]) or product.name)[:200]
            if product
            else context.text(settings["name"])[:200],
            unit=product.unit if product is not None else "",
            price=price,
            cost=self._cost(context, product),
            quantity=number_of(context, settings["quantity"]),
            discount=number_of(context, settings["discount"]) if settings["discount"] != "" else Decimal(0),
            tax_name=tax.name if tax is not None else "",
            tax_percent=tax.percent if tax is not None else None,
        )

    def _cost(self, context: Context, product: Product | None) -> Decimal | None:
        """What is said, else the product's, in its currency."""
        if context.settings["cost"] != "":
            if not sees_profit(context.rights):
                raise ActionError(said("cost.not_for_rule", "The rule's publisher does not see cost prices."))
            return number_of(context, context.settings["cost"])
        return product.cost if product is not None and product.currency == context.item.currency else None

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("product") or settings.get("name") or "")[:80]
