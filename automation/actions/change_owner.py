"""Change responsible person."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import DepartmentChoice, UserChoice, UserChoices
from automation.models import OwnerTurn
from crm.ground import clock, databases
from crm.ground.sentences import said
from crm.models import Item, User
from crm.pipelines.machine import machine_of


def in_order(context: Context, people: list[User]) -> User:
    """Round robin; the place is kept under lock, so that two at once get two people."""
    turn, _made = OwnerTurn.objects.get_or_create(rule=context.rule)
    turn = databases.lock(OwnerTurn.objects.filter(pk=turn.pk)).get()
    after = [person for person in people if turn.last_user_id is not None and person.pk > turn.last_user_id]
    chosen = (after or people)[0]
    turn.last_user = chosen
    turn.save()
    return chosen


def least_busy(context: Context, people: list[User]) -> User:
    """Fewest open items; ties by the order of names."""
    open_items = Count("items", filter=Q(items__deleted_at__isnull=True, items__stage__kind="open"))
    counted = User.objects.filter(pk__in=[p.pk for p in people]).annotate(load=open_items)
    return counted.order_by("load", "name", "pk")[0]


def at_random(context: Context, people: list[User]) -> User:
    return random.choice(people)


def previous_owner(context: Context, people: list[User]) -> User:
    """Who had the customer's last other item; else in order."""
    others = Item.objects.alive().filter(contact=context.item.contact_id, owner__in=people)
    last = others.exclude(pk=context.item.pk).select_related("owner").order_by("-created_at").first()
    if context.item.contact_id and last is not None and last.owner is not None:
        return last.owner
    return in_order(context, people)


WAYS: dict[str, tuple[Any, Callable[[Context, list[User]], User]]] = {
    "order": (_("in order"), in_order),
    "least_busy": (_("the least busy"), least_busy),
    "random": (_("at random"), at_random),
    "previous": (_("who had this customer before"), previous_owner),
}


@actions.register
class ChangeOwner(Action):
    key = "change_owner"
    label = _("Change responsible person")
    group = "team"
    icon = "user"
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
        people = {person.pk: person for person in settings["users"]}
        if settings["department"]:
            people |= {person.pk: person for person in settings["department"].people.all()}
        found = [people[pk] for pk in sorted(people) if people[pk].is_active]
        if settings["skip_absent"]:
            found = [person for person in found if not person.is_absent()]
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
