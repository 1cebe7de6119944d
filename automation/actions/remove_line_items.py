"""Remove lines."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Skip, actions
from crm.ground.sentences import said
from crm.items.listing import replace_lines
from crm.items.models.lines import Product
from crm.models import Refused


@actions.register
class RemoveLineItems(Action):
    key = "remove_line_items"
    label = _("Remove lines")
    synonyms = _("delete product, position")
    example = _("The gift goes when the order falls below its limit.")
    group = "documents"
    icon = "x"
    help = _("Takes one product, or all lines, off the card; what is left becomes its amount.")
    outputs = {"count": _("how many")}
    alone = True

    class Settings(SettingsForm):
        product = forms.ModelChoiceField(
            Product.objects.all(), label=_("product"), required=False, empty_label=_("all lines")
        )

    def run(self, context: Context) -> Outcome:
        product = context.settings["product"]
        lines = list(context.item.lines.all())
        left = [line for line in lines if product is not None and line.product_id != product.pk]
        if len(left) == len(lines):
            return Skip(said("lines.none", "The card lists no such product."))
        try:
            replace_lines(context.item, left, by=context.rights, cause=context.cause, costs_said=True)
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        return Done({"count": len(lines) - len(left)}, summary=str(product or ""))

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("product") or _("all lines"))
