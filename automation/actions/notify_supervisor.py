"""Notify supervisor (Bitrix24: Control)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, SettingsForm, actions
from automation.fields import MergeTextField, UserChoice
from crm.events.notice import notify
from crm.events.record import record
from crm.people.models import supervisors_of


@actions.register
class NotifySupervisor(Action):
    key = "notify_supervisor"
    label = _("Notify supervisor")
    synonyms = _("boss, head, escalate")
    example = _("Nobody took the request within 30 working minutes.")
    group = "team"
    icon = "alert-triangle"
    help = _("Tells the head of the owner's department; if there is none or they are away, whoever stands in.")

    class Settings(SettingsForm):
        text = MergeTextField(label=_("text"), initial=_("Nobody has taken care of “{{ item.title }}” yet."))
        to = UserChoice(label=_("to"), required=False, empty_label=_("the owner's supervisor"))

    def run(self, context: Context) -> Outcome:
        chosen = context.settings["to"]
        people = [chosen] if chosen else supervisors_of(context.item.owner)
        text = context.text(context.settings["text"])
        notify(people, text, item=context.item, kind="supervisor", sender=context.rights)
        names = ", ".join(person.name for person in people)
        record(
            "supervisor.notified",
            item=context.item,
            actor=context.rights,
            cause=context.cause,
            payload={"to": names, "text": text},
        )
        return Done(summary=names[:200])

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("text", ""))[:80]
