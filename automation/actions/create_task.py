"""Create task."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Skip, actions
from automation.fields import DepartmentChoice, MergeTextField, RoleChoice, UserChoice, UserChoices
from automation.timing import UNITS, NoCalendar, after
from crm.ground import clock
from crm.ground.sentences import said
from crm.messages.merge_fields import item_link
from crm.models import Item, Task, User


@actions.register
class CreateTask(Action):
    key = "create_task"
    label = _("Create task")
    synonyms = _("to-do, remind, assign")
    example = _("“Measure the room”, for the owner, by tomorrow noon.")
    group = "team"
    icon = "checkbox"
    help = _("Something a colleague must do, with a deadline.")
    outputs = {"task": _("task"), "link": _("link")}

    class Settings(SettingsForm):
        title = MergeTextField(label=_("task"), multiline=False, max_length=200)
        description = MergeTextField(label=_("description"), required=False)
        assignee = UserChoice(label=_("for"), required=False, empty_label=_("the owner"))
        department = DepartmentChoice(label=_("or the least busy of"), required=False, empty_label="—")
        role = RoleChoice(
            label=_("or the least busy with the role"),
            required=False,
            empty_label="—",
            help_text=_("Of those who are present: who has the fewest open tasks."),
        )
        coworkers = UserChoices(label=_("co-workers"), required=False)
        observers = UserChoices(label=_("observers"), required=False)
        checklist = forms.CharField(
            label=_("checklist"), required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("One a line.")
        )
        deadline_amount = forms.IntegerField(label=_("deadline in"), min_value=0, required=False)
        deadline_unit = forms.ChoiceField(label=_("of what"), choices=UNITS, required=False)
        remind_minutes = forms.IntegerField(label=_("remind before, minutes"), min_value=0, required=False)
        close_on_leave = forms.BooleanField(label=_("cancel it when the stage is left"), required=False)
        unless_open = forms.BooleanField(
            label=_("only if the card has no open task"),
            required=False,
            help_text=_("A form for callbacks, for one, brings its own task."),
        )

    def run(self, context: Context) -> Outcome:
        settings, item = context.settings, context.item
        assignee = self._assignee(settings, item)
        known = item.tasks.open().first() if settings["unless_open"] else None
        if known is not None:
            return Skip(said("task.open", "The card has an open task already: %s") % known.title)
        deadline = self._deadline(context)
        remind = settings["remind_minutes"]
        task = Task.add(
            item=item,
            cause=context.cause,
            shown_as=context.rights,
            title=context.text(settings["title"])[:200],
            description=context.text(settings["description"]),
            checklist=[
                {"text": line.strip(), "done": False} for line in settings["checklist"].splitlines() if line.strip()
            ],
            assignee=assignee,
            creator=context.rights,
            deadline=deadline,
            remind_at=deadline - timedelta(minutes=remind) if deadline and remind else None,
            visit=context.visit,
            close_on_leave=settings["close_on_leave"],
            origin=context.origin,
        )
        task.coworkers.set(settings["coworkers"])
        task.observers.set(settings["observers"])
        return Done({"task": task.pk, "link": item_link(item.pk)}, summary=assignee.name)

    def _assignee(self, settings: dict[str, Any], item: Item) -> User:
        """A person, the least busy of a department or role, else the owner. Raises ActionError."""
        if settings["assignee"]:
            return settings["assignee"]
        if not (settings["department"] or settings["role"]):
            if item.owner is None:
                raise ActionError(said("task.nobody", "There is nobody to give the task to: the item has no owner."))
            return item.owner
        within = Q()
        if settings["department"]:
            within |= Q(department=settings["department"])
        if settings["role"]:
            within |= Q(roles=settings["role"]) | Q(department__role=settings["role"])
        open_tasks = Count("tasks", filter=Q(tasks__status__in=Task.OPEN))
        chosen = User.objects.filter(pk__in=User.objects.filter(within, is_active=True).values("pk"))
        people = chosen.annotate(load=open_tasks).order_by("load", "name", "pk")
        # Nobody is given work on a card that he may not see.
        present = next((person for person in people if not person.is_absent() and _sees(person, item)), None)
        if present is None:
            raise ActionError(said("task.nobody_present", "Nobody of those chosen is present to take the task."))
        return present

    def _deadline(self, context: Context) -> Any:
        amount, unit = context.settings["deadline_amount"], context.settings["deadline_unit"]
        if not amount:
            return None
        try:
            return after(clock.now(), amount, unit or "hours", context.item)
        except NoCalendar as error:
            raise ActionError(str(error)) from error

    def summary(self, settings: dict[str, Any]) -> str:
        person = settings.get("assignee") or settings.get("department") or settings.get("role")
        return f"{settings.get('title', '')} → {person}" if person else str(settings.get("title", ""))


def _sees(person: User, item: Item) -> bool:
    return Item.objects.visible_to(person).filter(pk=item.pk).exists()
