"""Schedule a call: it tells the salesperson and stands in list and calendar; it does not dial."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, actions
from automation.planning import PlanForm, assignee_of, moment_of
from crm.messages.merge_fields import item_link
from crm.models import Task


@actions.register
class ScheduleCall(Action):
    key = "schedule_call"
    label = _("Schedule a call")
    synonyms = _("phone, ring")
    example = _("Call back in three days at ten.")
    group = "team"
    icon = "phone"
    help = _("Plans a call to the customer for a colleague, in list and calendar. Nothing is dialled.")
    outputs = {"task": _("task"), "link": _("link")}

    class Settings(PlanForm):
        pass

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        moment, person = moment_of(context), assignee_of(context)
        remind = settings["remind_minutes"]
        task = Task.add(
            item=context.item,
            cause=context.cause,
            shown_as=context.rights,
            kind=Task.Kind.CALL,
            title=context.text(settings["title"])[:200],
            description=context.text(settings["description"]),
            deadline=moment,
            remind_at=moment - timedelta(minutes=remind) if remind else None,
            assignee=person,
            creator=context.rights,
            visit=context.visit,
            origin=context.origin,
        )
        return Done({"task": task.pk, "link": item_link(context.item.pk)}, summary=person.name)

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("title", ""))[:80]
