"""Math operations: decimals, rounded half up (DIN 1333, as taxes are)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import VariableChoice
from automation.operand import OperandField, number_of
from crm.fields import type_of
from crm.ground.sentences import said

SIGNS = [("add", "+"), ("subtract", "−"), ("multiply", "×"), ("divide", "÷")]


@actions.register
class Calculate(Action):
    key = "calculate"
    label = _("Math operations")
    synonyms = _("sum, count, formula, percent")
    example = _("Amount times five per cent is the bonus.")
    group = "helpers"
    icon = "plus"
    leads = True
    help = _("Counts with numbers, fields of the card, variables and what earlier rules gave.")
    helper = True
    alone = True
    outputs = {"result": _("result")}

    class Settings(SettingsForm):
        left = OperandField(label=_("number or field"))
        sign = forms.ChoiceField(label=_("operation"), choices=SIGNS)
        right = OperandField(label=_("and number or field"))
        places = forms.IntegerField(label=_("decimal places"), min_value=0, max_value=6, initial=2)
        variable = VariableChoice(label=_("keep it in"), required=False, types=("number",), empty_label=_("nowhere"))

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("sign") == "divide" and data.get("right") == 0 and isinstance(data.get("right"), Decimal):
                self.add_error("right", _("Nothing can be divided by zero."))
            return data

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        left, right = number_of(context, settings["left"]), number_of(context, settings["right"])
        if settings["sign"] == "divide" and not right:
            raise ActionError(said("calculate.zero", "Division by zero: “%s” is 0.") % settings["right"])
        result = _counted(left, settings["sign"], right, settings["places"])
        try:
            kept = type_of("number").to_json(type_of("number").form_field(required=True).clean(result))
        except ValidationError as error:
            raise ActionError(" ".join(error.messages)) from error
        if settings["variable"] is not None:
            settings["variable"].put(kept, context.item, context.visit)
        return Done({"result": kept}, summary=str(kept))

    def summary(self, settings: dict[str, Any]) -> str:
        return (
            f"{settings.get('left', '')} {dict(SIGNS).get(str(settings.get('sign')), '')} {settings.get('right', '')}"
        )


def _counted(left: Decimal, sign: str, right: Decimal, places: int) -> Decimal:
    """In 40 digits, then rounded once."""
    with localcontext() as precise:
        precise.prec = 40
        found = {
            "add": lambda: left + right,
            "subtract": lambda: left - right,
            "multiply": lambda: left * right,
            "divide": lambda: left / right,
        }[sign]()
        return found.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
