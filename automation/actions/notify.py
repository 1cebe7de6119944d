"""Notification to colleagues."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, actions
from automation.fields import MergeTextField, UserChoice
from automation.recipients import RecipientsForm, recipients
from crm.events.notice import notify
from crm.ground.sentences import said


@actions.register
class Notify(Action):
    key = "notify"
    label = _("Notification")
    synonyms = _("bell, alert, message to colleague")
    example = _("The storekeeper hears that an order was paid.")
    group = "team"
    icon = "bell"
    help = _("Rings the bell of colleagues, with a link to the item.")

    class Settings(RecipientsForm):
        text = MergeTextField(label=_("text"))
        sender = UserChoice(label=_("sender"), required=False, empty_label=_("who published the rule"))

    def run(self, context: Context) -> Outcome:
        people = recipients(context.item, context.settings)
        if not people:
            raise ActionError(said("notice.nobody", "There is nobody to notify."))
        text = context.text(context.settings["text"])
        notify(people, text, item=context.item, kind="rule", sender=context.settings["sender"] or context.rights)
        return Done(summary=", ".join(person.name for person in people)[:200])

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("text", ""))[:80]
