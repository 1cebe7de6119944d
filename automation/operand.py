"""What a rule counts with: a number, or a field of the card, a variable, an output of an earlier rule."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from automation.base import ActionError, Context, Scope
from automation.facts import CannotJudge
from automation.values import facts_for
from crm.fields import type_of
from crm.ground import clock
from crm.ground.sentences import said
from crm.messages import merge_text
from crm.pipelines.roles import sees_profit

PLAIN = re.compile(r"-?\d+(\.\d+)?")
PATH = re.compile(r"[a-z_]+(\.[a-z0-9_]+)+")


def path_of(text: str) -> str:
    """ "{{ item.amount }}" or "item.amount" -> "item.amount"; empty for anything else."""
    bare = text.strip().removeprefix("{{").removesuffix("}}").strip()
    return bare if PATH.fullmatch(bare) else ""


class OperandField(forms.CharField):
    """A number as people type it, or the path of a field."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=200, widget=forms.TextInput(attrs={"data-merge": "1"}), **kwargs)
        self.scope: Scope | None = None

    def place(self, scope: Scope) -> None:
        self.scope = scope

    def plain(self, cleaned: Any) -> str:
        """As it is kept: a number without signs of any language, or the path."""
        return format(cleaned, "f") if isinstance(cleaned, Decimal) else str(cleaned)

    def clean(self, value: Any) -> str | Decimal:
        text = super().clean(value)
        path = path_of(text)
        if not path:
            if self.scope is not None and self.scope.running and PLAIN.fullmatch(text):
                return Decimal(text)
            number: Decimal | str = type_of("number").cleaned_text(text) if text else ""
            return number
        if self.scope is not None and not self.scope.running:
            try:
                merge_text.check(f"{{{{ {path} }}}}", extra=self.scope.merge_extra(text), confidential=True)
            except merge_text.MergeError as error:
                raise ValidationError(str(error)) from error
        return path


def typed_value(context: Context, path: str) -> Any:
    """What the card, a variable or an earlier rule has there. Raises ActionError for what is not there."""
    try:
        reads = partial(sees_profit, context.rights)
        facts = facts_for(context.item, context.visit, clock.now(), caller=context.run.caller_id, sees_profit=reads)
        return facts.values(path)
    except CannotJudge as error:
        raise ActionError(str(error)) from error
    except KeyError as error:
        raise ActionError(said("operand.gone", "There is no value “%s” here.") % path) from error


def number_of(context: Context, operand: str | Decimal) -> Decimal:
    """The operand as a number. Raises ActionError with the value where it is none."""
    value = typed_value(context, operand) if isinstance(operand, str) else operand
    if isinstance(value, Decimal):
        return value
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if value is None or isinstance(value, bool) or not found.is_finite():
        words = said("operand.no_number", "“%(value)s” (%(path)s) is no number to count with.")
        raise ActionError(words % {"value": "" if value is None else str(value)[:80], "path": str(operand)})
    return found
