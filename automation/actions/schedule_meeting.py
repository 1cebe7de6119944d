"""Schedule a meeting: in the calendars of who takes part, and in the customer's by an invitation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, actions
from automation.fields import MergeTextField, UserChoices
from automation.planning import PlanForm, assignee_of, moment_of
from crm.messages import inviting, sending
from crm.messages.merge_fields import item_link
from crm.models import Task


@actions.register
class ScheduleMeeting(Action):
    key = "schedule_meeting"
    label = _("Schedule a meeting")
    synonyms = _("appointment, calendar, invite, visit")
    example = _("A visit in the showroom, with an invitation to the customer's calendar.")
    group = "team"
    icon = "users"
    help = _(
        "Plans a meeting in the calendars of who takes part. The customer may be invited by mail; their answer stands on the"
        " card, and a change or a cancellation reaches their calendar."
    )
    outputs = {"task": _("task"), "link": _("link")}
    sends = True

    class Settings(PlanForm):
        minutes = forms.IntegerField(label=_("length, minutes"), min_value=5, max_value=1440, initial=60)
        place = MergeTextField(label=_("place or link"), multiline=False, max_length=300, required=False)
        participants = UserChoices(label=_("participants"), required=False)
        invites = forms.BooleanField(label=_("invite the customer by mail"), required=False)

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        moment, person = moment_of(context), assignee_of(context)
        remind = settings["remind_minutes"]
        task = Task.add(
            item=context.item,
            cause=context.cause,
            shown_as=context.rights,
            kind=Task.Kind.MEETING,
            title=context.text(settings["title"])[:200],
            description=context.text(settings["description"]),
            place=context.text(settings["place"])[:300],
            minutes=settings["minutes"],
            deadline=moment,
            remind_at=moment - timedelta(minutes=remind) if remind else None,
            assignee=person,
            creator=context.rights,
            visit=context.visit,
            origin=context.origin,
        )
        task.set_coworkers(settings["participants"], by=context.rights)
        if settings["invites"]:
            try:
                inviting.invite(task, by=context.rights, origin=context.origin, depth=context.cause.depth)
            except sending.CannotSend as refused:
                raise ActionError(str(refused)) from refused
        return Done({"task": task.pk, "link": item_link(context.item.pk)}, summary=person.name)

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("title", ""))[:80]

    def writes_to(self, settings: dict[str, Any]) -> str:
        return "email" if settings.get("invites") else ""
