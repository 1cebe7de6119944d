"""Select employee."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.choosing import WAYS, there
from automation.fields import DepartmentChoice, RoleChoice, UserChoices
from crm.ground.sentences import said
from crm.models import User

HEAD = "head"
CHOOSE = [
    (HEAD, _("the head of the department")),
    *((key, way[0]) for key, way in WAYS.items() if key != "previous"),
]


@actions.register
class SelectEmployee(Action):
    key = "select_employee"
    label = _("Select employee")
    synonyms = _("random, round robin, least busy")
    example = _("Whoever has the fewest open cards is told.")
    group = "helpers"
    icon = "user"
    leads = True
    help = _("Finds one of several colleagues, for later rules: in order, the least busy, at random, or the head.")
    helper = True
    alone = True
    outputs = {"user": _("person"), "name": _("name"), "email": _("e-mail address"), "phone": _("phone")}

    class Settings(SettingsForm):
        users = UserChoices(label=_("people"), required=False)
        department = DepartmentChoice(label=_("or everybody in"), required=False, empty_label="—")
        role = RoleChoice(label=_("or everybody with the role"), required=False, empty_label="—")
        choose = forms.ChoiceField(label=_("choose"), choices=CHOOSE, initial="order")
        skip_absent = forms.BooleanField(label=_("skip who is absent"), required=False, initial=True)

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("choose") == HEAD and not data.get("department") and "department" not in self.errors:
                self.add_error("department", _("Of which department?"))
            elif not (data.get("users") or data.get("department") or data.get("role")) and not self.errors:
                self.add_error("users", _("Choose people or a department."))
            return data

    def run(self, context: Context) -> Outcome:
        people = there(self._asked(context), skip_absent=context.settings["skip_absent"])
        if not people:
            raise ActionError(said("employee.nobody_left", "Nobody of those chosen is present."))
        way = context.settings["choose"]
        person = people[0] if way == HEAD else WAYS[way][1](context, people)
        found = {"user": person.pk, "name": person.name, "email": person.email, "phone": person.phone}
        return Done(found, summary=person.name)

    def _asked(self, context: Context) -> list[User]:
        settings = context.settings
        if settings["choose"] == HEAD:
            # Who answers for it: the head, and in their absence the deputy.
            answering = settings["department"].answers_for()
            return [person for person in answering if not (settings["skip_absent"] and person.is_absent())][:1]
        people = list(settings["users"])
        if settings["department"]:
            people += settings["department"].people.all()
        if settings["role"]:
            role = settings["role"]
            people += [*role.people.all(), *User.objects.filter(department__in=role.departments.all())]
        return people

    def summary(self, settings: dict[str, Any]) -> str:
        names = [str(person) for person in settings.get("users") or []]
        names += [str(settings[name]) for name in ("department", "role") if settings.get(name)]
        return f"{dict(CHOOSE).get(str(settings.get('choose')), '')}: {', '.join(names)}"
