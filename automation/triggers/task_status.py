"""Track task status."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.models import Rule
from crm.models import Event, Item, Task


class RuleChoice(forms.ModelChoiceField):
    """A rule of the pipeline that makes tasks. `offers`: of a draft those alone (automation/part_form.py)."""

    offers = {"action": ("create_task",)}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Rule.objects.none(), **kwargs)
        self.error_messages["invalid_choice"] = _("This rule no longer exists.")

    def place(self, scope: Any) -> None:
        rules = Rule.objects.filter(pipeline_id=scope.pipeline_id, action="create_task", retired=False)
        self.queryset = rules


@trigger_types.register
class TaskStatus(TriggerType):
    key = "task_status"
    label = _("Task status")
    synonyms = _("to-do done, completed")
    example = _("“Measure the room” is done: to “Offer”.")
    group = "item"
    icon = "checkbox"
    help = _("A task of the item gets a status.")
    events = ("task.status",)

    class Settings(SettingsForm):
        status = forms.ChoiceField(label=_("status"), choices=Task.Status.choices, initial=Task.Status.DONE)
        rule = RuleChoice(label=_("made by the rule"), required=False, empty_label=_("any task"))

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if event.data("status") != settings["status"]:
            return False
        return settings["rule"] is None or event.data("origin") == f"rule:{settings['rule'].pk}"

    def summary(self, settings: dict[str, Any]) -> str:
        return (
            f"{settings.get('rule') or _('any task')}: {dict(Task.Status.choices).get(settings.get('status', ''), '')}"
        )
