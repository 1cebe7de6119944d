"""Edit variable."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import MergeTextField, VariableChoice
from automation.operand import path_of, typed_value
from crm.ground.sentences import said
from crm.messages import merge_text


@actions.register
class SetVariable(Action):
    key = "set_variable"
    label = _("Edit variable")
    synonyms = _("remember, keep, value")
    example = _("Remember how many offers this card has had.")
    group = "helpers"
    icon = "pencil"
    leads = True
    help = _("Keeps a value under a name: for this stay in the stage, for the card, or for the whole company.")
    helper = True
    alone = True
    outputs = {"value": _("value")}

    class Settings(SettingsForm):
        variable = VariableChoice(label=_("variable"))
        value = MergeTextField(label=_("value"), multiline=False, required=False)

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            variable, text = data.get("variable"), data.get("value") or ""
            if variable is not None and text and "{" not in text and not self.scope.running:
                try:
                    self.literal = variable.read(text)
                except ValidationError as error:
                    self.add_error("value", forms.ValidationError(error.messages))
            return data

        def stored(self, raw: dict[str, Any]) -> dict[str, Any]:
            literal = getattr(self, "literal", None)
            return super().stored(raw) | ({"value": str(literal)} if literal is not None else {})

    def run(self, context: Context) -> Outcome:
        variable, source = context.settings["variable"], context.settings["value"]
        if variable is None:
            raise ActionError(said("variable.gone", "The variable no longer exists, or is a constant."))
        path = path_of(source) if "{" in source else ""
        # Without a field it was read when it was saved, and stands as every language writes it.
        text, language = source, merge_text.language_of(context.item) if "{" in source else "en"
        if path:
            # A value as it is, not as a customer would read it.
            found = typed_value(context, path)
            text, language = "" if found is None else str(found), "en"
        elif "{" in source:
            text = context.text(source)
        try:
            with translation.override(language):
                kept = variable.read(text)
        except ValidationError as error:
            words = said("variable.unread", "“%(value)s” does not fit the variable “%(name)s”: %(why)s")
            told = {"value": text[:80], "name": variable.label, "why": " ".join(error.messages)}
            raise ActionError(words % told) from error
        variable.put(kept, context.item, context.visit)
        return Done({"value": kept}, summary=f"{variable.label}: {'–' if kept is None else kept}"[:200])

    def summary(self, settings: dict[str, Any]) -> str:
        return f"{settings.get('variable', '')} = {settings.get('value', '')}"[:80]
