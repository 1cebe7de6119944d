"""Modify item."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import ItemFieldChoice, MergeTextField
from crm.ground.sentences import first_of, said
from crm.items.models.gate import field_labels
from crm.pipelines.machine import Machine, machine_of

ROWS = 4


@actions.register
class ChangeFields(Action):
    key = "change_fields"
    label = _("Modify item")
    synonyms = _("write, update, value, set")
    example = _("Set the probability to 80 when the contract is signed.")
    group = "item"
    icon = "pencil"
    help = _("Writes values, or texts with values, into fields of the item.")
    outputs = {"changed": _("changed fields")}

    class Settings(SettingsForm):
        """Up to four fields; for lists *append* keeps what is there."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            for row in range(1, ROWS + 1):
                name = ItemFieldChoice(label=_("field"), required=row == 1)
                name.place(self.scope)
                self.fields[f"field_{row}"] = name
                text = MergeTextField(label=_("value"), multiline=False, required=False)
                text.place(self.scope)
                self.fields[f"value_{row}"] = text
                self.fields[f"append_{row}"] = forms.BooleanField(label=_("append to the list"), required=False)

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            machine = machine_of(self.scope.pipeline_id)
            for row in range(1, ROWS + 1):
                name, value = data.get(f"field_{row}"), data.get(f"value_{row}") or ""
                if name and "{" not in value:
                    try:
                        typed(machine, name, value, machine.pipeline.currency)
                    except ValidationError as error:
                        self.add_error(f"value_{row}", error.messages[0])
            return data

        def rows(self) -> list[tuple[str, str, bool]]:
            return _rows(self.cleaned_data)

    def run(self, context: Context) -> Outcome:
        values: dict[str, Any] = {}
        machine = context.item.machine()
        # Of the currency that this very rule sets, if it sets one.
        sets = {name: context.text(source) for name, source, _append in _rows(context.settings) if name == "currency"}
        currency = sets.get("currency", "").strip().upper() or context.item.currency
        for name, source, append in _rows(context.settings):
            text = context.text(source)
            try:
                value = typed(machine, name, text, currency)
            except ValidationError as error:
                words = {"field": field_labels(context.item, [name])[0], "value": text, "why": first_of(error)}
                raise ActionError(
                    said("field.cannot_be", "%(field)s cannot be “%(value)s”: %(why)s") % words
                ) from error
            old = context.item.value_of(name)
            values[name] = [*old, *(v for v in value if v not in old)] if append and isinstance(old, list) else value
        changed = context.item.change(values, by=None, shown_as=context.rights, cause=context.cause)
        return Done({"changed": sorted(changed)}, summary=", ".join(sorted(changed)))

    def summary(self, settings: dict[str, Any]) -> str:
        return ", ".join(f"{name} = {value}" for name, value, _append in _rows(settings))


def _rows(data: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [
        (data[f"field_{row}"], data.get(f"value_{row}") or "", bool(data.get(f"append_{row}")))
        for row in range(1, ROWS + 1)
        if data.get(f"field_{row}")
    ]


def typed(machine: Machine, name: str, text: str, currency: str) -> Any:
    """A text as the field of the pipeline's items keeps it. Raises ValidationError with the form field's own words."""
    field = machine.field(name)
    if field is None:
        raise ValidationError(_now("The field no longer exists."))
    return field.in_currency(currency).cleaned_text(text)
