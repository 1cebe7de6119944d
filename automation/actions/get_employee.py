"""Employee information."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import UserChoice
from crm.ground.sentences import said
from crm.models import User
from crm.people.models import supervisors_of

WHOSE = [
    ("owner", _("the owner")),
    ("supervisor", _("the owner's supervisor")),
    ("chosen", _("the person chosen below")),
]


def outputs_of(person: User) -> dict[str, Any]:
    """What texts read of a colleague."""
    above = [one for one in supervisors_of(person) if one.pk != person.pk]
    return {
        "user": person.pk,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "department": str(person.department or ""),
        "supervisor": above[0].name if above else "",
    }


@actions.register
class GetEmployee(Action):
    key = "get_employee"
    label = _("Employee information")
    synonyms = _("user, colleague, supervisor")
    example = _("The supervisor's phone stands in the text.")
    group = "helpers"
    icon = "user"
    leads = True
    help = _("Name, address, number, department and supervisor of a colleague, for the texts of later rules.")
    helper = True
    outputs = {
        "user": _("person"),
        "name": _("name"),
        "email": _("e-mail address"),
        "phone": _("phone"),
        "department": _("department"),
        "supervisor": _("supervisor"),
    }

    class Settings(SettingsForm):
        whose = forms.ChoiceField(label=_("of whom"), choices=WHOSE, initial="owner")
        person = UserChoice(label=_("person"), required=False, empty_label="—")

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("whose") == "chosen" and data.get("person") is None and "person" not in self.errors:
                self.add_error("person", _("Of whom?"))
            return data

    def run(self, context: Context) -> Outcome:
        whose, owner = context.settings["whose"], context.item.owner
        person: User | None = context.settings["person"] if whose == "chosen" else owner
        if whose == "supervisor" and owner is not None:
            person = next(iter(supervisors_of(owner)), None)
        if person is None or not person.is_active:
            raise ActionError(said("employee.none", "There is no such colleague: the card has no owner, or they left."))
        return Done(outputs_of(person), summary=person.name)

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("person") or dict(WHOSE).get(str(settings.get("whose")), ""))
