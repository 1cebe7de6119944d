"""Form fields for settings: each knows its place (`place(scope)`) and says readably what has gone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from automation.base import Scope
from automation.models import RuleSet
from automation.variables import Variable
from crm.fields import own
from crm.ground.forms.several import Several
from crm.messages import merge_text
from crm.models import Channel, Department, Role, Stage, User, WebForm
from crm.pipelines.machine import machine_of


class MergeTextField(forms.CharField):
    """A merge text; refused at save with line and field."""

    def __init__(self, *, multiline: bool = True, extra: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if multiline:
            kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 5, "data-merge": "1"}))
        else:
            kwargs.setdefault("widget", forms.TextInput(attrs={"data-merge": "1"}))
        kwargs.setdefault("max_length", 20_000 if multiline else 500)
        super().__init__(**kwargs)
        self.scope: Scope | None = None
        self.extra = extra or {}

    def place(self, scope: Scope) -> None:
        self.scope = scope

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and "{" in value and not (self.scope and self.scope.running):
            allowed = self.scope.merge_extra(value) if self.scope else {}
            try:
                merge_text.check(value, extra={**allowed, **self.extra}, confidential=True)
            except merge_text.MergeError as error:
                raise ValidationError(str(error)) from error


class UserChoice(forms.ModelChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("queryset", User.objects.filter(is_active=True))
        super().__init__(**kwargs)
        self.error_messages["invalid_choice"] = _("This person is no longer active.")


class UserChoices(Several):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("queryset", User.objects.filter(is_active=True))
        super().__init__(**kwargs)
        self.error_messages["invalid_choice"] = _("A chosen person is no longer active.")


class DepartmentChoice(forms.ModelChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Department.objects.all(), **kwargs)
        self.error_messages["invalid_choice"] = _("This department no longer exists.")


class DepartmentChoices(Several):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Department.objects.all(), **kwargs)
        self.error_messages["invalid_choice"] = _("A department that is chosen here no longer exists.")


class RoleChoice(forms.ModelChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Role.objects.all(), **kwargs)
        self.error_messages["invalid_choice"] = _("This role no longer exists.")


class StageChoice(forms.ModelChoiceField):
    """A stage of the same pipeline."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Stage.active.none(), **kwargs)
        self.error_messages["invalid_choice"] = _("This stage no longer exists in the pipeline.")

    def place(self, scope: Scope) -> None:
        self.queryset = Stage.active.filter(pipeline_id=scope.pipeline_id)


class AnyStageChoice(forms.ModelChoiceField):
    """A stage of any pipeline."""

    def __init__(self, **kwargs: Any) -> None:
        rows = Stage.active.select_related("pipeline").order_by("pipeline__order", "pipeline", "order")
        super().__init__(queryset=rows, **kwargs)
        self.error_messages["invalid_choice"] = _("This stage no longer exists.")

    def label_from_instance(self, stage: Any) -> str:
        return f"{stage.pipeline} · {stage.name}"


class ChannelChoice(forms.ModelChoiceField):
    def __init__(self, medium: str, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("empty_label", _("the default one"))
        super().__init__(queryset=Channel.objects.filter(medium=medium, is_active=True), **kwargs)
        self.error_messages["invalid_choice"] = _("This channel no longer exists or is switched off.")


class FormChoice(forms.ModelChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("empty_label", _("any form"))
        kwargs.setdefault("queryset", WebForm.objects.all())
        super().__init__(**kwargs)
        self.error_messages["invalid_choice"] = _("This form no longer exists.")


# Columns of an item that rules do not change: whose they are is decided by rules of their own.
NOT_BY_RULES = ("contact", "company")


def item_field_choices(scope: Scope) -> list[tuple[str, str]]:
    """Columns and the custom fields of the pipeline's own item type."""
    custom = machine_of(scope.pipeline_id).fields.values()
    return [(name, str(field.label)) for name, field in own.ITEM.items() if name not in NOT_BY_RULES] + [
        (f"custom.{row.key}", row.label) for row in custom
    ]


class ItemFieldChoices(forms.MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_messages["invalid_choice"] = _("The field “%(value)s” no longer exists.")

    def place(self, scope: Scope) -> None:
        self.choices = item_field_choices(scope)


class VariableChoice(forms.ModelChoiceField):
    """A variable that rules of the pipeline may set. `types`: keys of types; empty: all."""

    def __init__(self, types: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.types = types
        super().__init__(queryset=Variable.objects.none(), **kwargs)
        self.error_messages["invalid_choice"] = _("This variable no longer exists, or is a constant.")

    def place(self, scope: Scope) -> None:
        self.offers = {"type": self.types, "scope": (Variable.Scope.ITEM, Variable.Scope.VISIT)}
        found = Variable.objects.of(scope.pipeline_id).settable()
        self.queryset = found.filter(type__in=self.types) if self.types else found


class RuleSetChoice(forms.ModelChoiceField):
    """A rule set of the pipeline."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=RuleSet.objects.none(), **kwargs)
        self.error_messages["invalid_choice"] = _("This rule set no longer exists.")

    def place(self, scope: Scope) -> None:
        self.queryset = RuleSet.objects.filter(pipeline=scope.pipeline_id, retired=False)


class ItemFieldChoice(forms.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_messages["invalid_choice"] = _("The field “%(value)s” no longer exists.")

    def place(self, scope: Scope) -> None:
        self.choices = [("", "—"), *item_field_choices(scope)]
