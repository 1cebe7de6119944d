"""Change observers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, SettingsForm, actions
from automation.fields import UserChoices
from crm.events.record import record
from crm.pipelines import boards

HOW = [("add", _("add")), ("replace", _("replace")), ("remove", _("remove"))]


@actions.register
class ChangeObservers(Action):
    key = "change_observers"
    label = _("Change observers")
    synonyms = _("watchers, followers")
    example = _("The fitter watches the card from “Delivery” on.")
    group = "team"
    icon = "eye"
    help = _("Who sees the card and hears of it beside its owner.")
    alone = True

    class Settings(SettingsForm):
        how = forms.ChoiceField(label=_("how"), choices=HOW, initial="add")
        users = UserChoices(label=_("people"), required=False, help_text=_("To replace by nobody, choose nobody."))

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("how") != "replace" and not data.get("users") and "users" not in self.errors:
                self.add_error("users", _("Whom?"))
            return data

    def run(self, context: Context) -> Outcome:
        item, how = context.item, context.settings["how"]
        chosen = [person for person in context.settings["users"] if person.is_active]
        before = set(item.observers.values_list("pk", flat=True))
        {"add": item.observers.add, "remove": item.observers.remove}.get(
            how, lambda *people: item.observers.set(people)
        )(*chosen)
        after = set(item.observers.values_list("pk", flat=True))
        if before != after:
            changes = {"observers": [sorted(before), sorted(after)]}
            payload = {"changes": changes}
            record("field.changed", item=item, actor=context.rights, cause=context.cause, payload=payload)
            boards.touch(item.pipeline_id, item.stage_id)
        return Done(summary=", ".join(person.name for person in chosen))

    def summary(self, settings: dict[str, Any]) -> str:
        names = ", ".join(str(person) for person in settings.get("users") or [])
        return f"{dict(HOW).get(str(settings.get('how')), '')}: {names}"
