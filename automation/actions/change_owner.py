"""Change responsible person."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.choosing import WAYS, there
from automation.fields import DepartmentChoice, UserChoice, UserChoices
from crm.ground import clock
from crm.ground.sentences import said
from crm.models import User
from crm.pipelines.machine import machine_of


@actions.register
class ChangeOwner(Action):
    key = "change_owner"
    label = _("Change responsible person")
    synonyms = _("assign, responsible, distribute")
    example = _("New requests go round among four salespeople.")
    group = "team"
    icon = "user"
    causes = ("owner.changed",)
    help = _("Gives the item to one of several people, fairly.")
    outputs = {"user": _("person")}
    alone = True

    class Settings(SettingsForm):
        users = UserChoices(label=_("people"), required=False)
        department = DepartmentChoice(label=_("or everybody in"), required=False, empty_label="—")
        choose = forms.ChoiceField(label=_("choose"), choices=[(key, way[0]) for key, way in WAYS.items()])
        skip_absent = forms.BooleanField(label=_("skip who is absent"), required=False, initial=True)
        working_hours = forms.BooleanField(label=_("only inside working hours, else the reserve"), required=False)
        reserve = UserChoice(label=_("reserve"), required=False, empty_label="—")

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if not (data.get("users") or data.get("department")) and not self.errors:
                self.add_error("users", _("Choose people or a department."))
            return data

    def run(self, context: Context) -> Outcome:
        people = self._candidates(context)
        reserve = context.settings["reserve"]
        if people:
            chosen = WAYS[context.settings["choose"]][1](context, people)
        elif reserve is not None:
            chosen = reserve
        else:
            raise ActionError(
                said("owner.nobody_left", "Nobody is left to take it: all chosen people are absent or inactive.")
            )
        context.item.change({"owner": chosen}, by=None, shown_as=context.rights, cause=context.cause)
        return Done({"user": chosen.pk}, summary=chosen.name)

    def _candidates(self, context: Context) -> list[User]:
        settings = context.settings
        people = [*settings["users"], *(settings["department"].people.all() if settings["department"] else ())]
        found = there(people, skip_absent=settings["skip_absent"])
        if settings["working_hours"]:
            calendar = machine_of(context.item.pipeline_id).pipeline.working_time()
            if calendar is not None and not calendar.is_open(clock.now()):
                return []
        return found

    def summary(self, settings: dict[str, Any]) -> str:
        names = [str(person) for person in settings.get("users") or []]
        if settings.get("department"):
            names.append(str(settings["department"]))
        way = WAYS.get(settings.get("choose", ""))
        return f"{way[0] if way else ''}: {', '.join(names)}"
