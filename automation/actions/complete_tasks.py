"""Complete tasks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, SettingsForm, actions
from automation.fields import StageChoice
from crm.models import Task


@actions.register
class CompleteTasks(Action):
    key = "complete_tasks"
    label = _("Complete tasks")
    synonyms = _("close, finish, to-do")
    example = _("Whoever pays needs no more reminder calls.")
    group = "team"
    icon = "checkbox"
    causes = ("task.status",)
    help = _("Ends the card's open tasks that rules made, of one stage or of all.")
    outputs = {"count": _("how many")}
    alone = True

    class Settings(SettingsForm):
        stage = StageChoice(label=_("made in the stage"), required=False, empty_label=_("any"))
        everybodys = forms.BooleanField(label=_("those that people made as well"), required=False)

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        tasks = Task.objects.open().filter(item=context.item)
        if settings["stage"] is not None:
            tasks = tasks.filter(visit__stage=settings["stage"])
        if not settings["everybodys"]:
            tasks = tasks.filter(origin__startswith="rule:")
        found = list(tasks.order_by("pk"))
        for task in found:
            task.set_status(Task.Status.DONE, by=context.rights, cause=context.cause)
        return Done({"count": len(found)}, summary=", ".join(task.title for task in found)[:200])

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("stage") or "")
