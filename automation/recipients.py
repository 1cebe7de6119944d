"""Who a notice goes to: settings fields shared by the actions that address colleagues, and what they mean."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm
from automation.fields import DepartmentChoice, UserChoices
from crm.models import Item, User
from crm.people.models import supervisors_of

ROLES = [
    ("owner", _("the owner")),
    ("observers", _("the observers")),
    ("supervisor", _("the owner's supervisor")),
]


class RecipientsForm(SettingsForm):
    to_roles = forms.MultipleChoiceField(
        label=_("to"), choices=ROLES, required=False, widget=forms.CheckboxSelectMultiple
    )
    to_users = UserChoices(label=_("and to these people"), required=False)
    to_department = DepartmentChoice(label=_("and to everybody in"), required=False, empty_label="—")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not (data.get("to_roles") or data.get("to_users") or data.get("to_department")) and not self.errors:
            self.add_error("to_roles", _("Choose at least one recipient."))
        return data


def recipients(item: Item, settings: dict[str, Any]) -> list[User]:
    """The active people that the settings name, each once."""
    people: list[User] = list(settings.get("to_users") or [])
    roles = settings.get("to_roles") or []
    if "owner" in roles and item.owner is not None:
        people.append(item.owner)
    if "observers" in roles:
        people += list(item.observers.all())
    if "supervisor" in roles:
        people += supervisors_of(item.owner)
    if settings.get("to_department"):
        people += list(settings["to_department"].people.all())
    return list({person.pk: person for person in people if person.is_active}.values())
