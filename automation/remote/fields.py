"""The types of fields that apps may declare: what their form shows, what of it is sent, when a trigger's value is the one."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django import forms
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _

from automation.base import Context
from automation.fields import MergeTextField, UserChoice
from automation.operand import OperandField, number_of
from automation.remote.models import told
from crm.fields import type_of
from crm.ground.folding import fold
from crm.registry import Registry


class Declared:
    """A type of field; the argument `field` is as the manifest has it: key, name, help, required, options.

    Args:
        of_triggers: triggers may have fields of it, and values of it.
    """

    key: ClassVar[str]
    label: ClassVar[Any]
    of_triggers: ClassVar[bool] = True

    def options(self, field: dict[str, Any]) -> dict[str, Any]:
        """What every form field gets. Forms mark a help as safe, so here it is made so."""
        helped = told(field["help"]) if field.get("help") else ""
        return {"label": told(field["name"]), "required": field.get("required", False), "help_text": escape(helped)}

    def asked(self, field: dict[str, Any]) -> forms.Field:
        """The form field of an action's settings."""
        raise NotImplementedError

    def wanted(self, field: dict[str, Any]) -> forms.Field:
        """The form field of a trigger's settings: empty is any value."""
        return forms.CharField(max_length=200, **{**self.options(field), "required": False})

    def sent(self, context: Context, value: Any) -> Any:
        """A setting as the app gets it, plain JSON. Raises ActionError."""
        return value

    def matches(self, wanted: Any, value: Any) -> bool:
        return fold(str(wanted)) == fold(str(value))


declared_types: Registry[Declared] = Registry("fields of apps", Declared)


def declared(field: dict[str, Any]) -> Declared:
    """The type of a field of a manifest; text for one that is not installed any more."""
    return (declared_types.get(field["type"]) or Text)()


@declared_types.register
class Text(Declared):
    key = "text"
    label = _("text")
    multiline = False

    def asked(self, field: dict[str, Any]) -> forms.Field:
        return MergeTextField(multiline=self.multiline, **self.options(field))

    def sent(self, context: Context, value: Any) -> Any:
        return context.text(value)


@declared_types.register
class LongText(Text):
    key = "long_text"
    label = _("long text")
    multiline = True
    of_triggers = False


@declared_types.register
class Number(Declared):
    key = "number"
    label = _("number")

    def asked(self, field: dict[str, Any]) -> forms.Field:
        return OperandField(**self.options(field))

    def wanted(self, field: dict[str, Any]) -> forms.Field:
        return type_of("number").form_field(**{**self.options(field), "required": False})

    def sent(self, context: Context, value: Any) -> Any:
        """As text, since JSON's numbers are floats for many."""
        return None if value == "" else format(number_of(context, value), "f")

    def matches(self, wanted: Any, value: Any) -> bool:
        try:
            return Decimal(str(value)) == wanted
        except InvalidOperation:
            return False


@declared_types.register
class Boolean(Declared):
    key = "boolean"
    label = _("yes or no")

    def asked(self, field: dict[str, Any]) -> forms.Field:
        return forms.BooleanField(**{**self.options(field), "required": False})

    def wanted(self, field: dict[str, Any]) -> forms.Field:
        choices = [("", "—"), ("yes", _("yes")), ("no", _("no"))]
        return forms.ChoiceField(choices=choices, **{**self.options(field), "required": False})

    def matches(self, wanted: Any, value: Any) -> bool:
        return value is (wanted == "yes")


@declared_types.register
class Choice(Declared):
    key = "choice"
    label = _("list")

    def asked(self, field: dict[str, Any]) -> forms.Field:
        choices = [(one["value"], told(one["name"])) for one in field["options"]]
        return forms.ChoiceField(choices=[("", "—"), *choices], **self.options(field))

    def wanted(self, field: dict[str, Any]) -> forms.Field:
        return self.asked({**field, "required": False})


@declared_types.register
class Person(Declared):
    key = "user"
    label = _("person of ours")
    of_triggers = False

    def asked(self, field: dict[str, Any]) -> forms.Field:
        return UserChoice(**self.options(field))

    def sent(self, context: Context, value: Any) -> Any:
        return None if value is None else {"id": value.pk, "name": value.name, "email": value.email}
