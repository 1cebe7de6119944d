"""Add comment."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, SettingsForm, actions
from automation.fields import MergeTextField
from crm.events.record import record
from crm.pipelines import boards


@actions.register
class AddComment(Action):
    key = "add_comment"
    label = _("Add comment")
    synonyms = _("note, remark")
    example = _("“Ordered again: the third time this year.”")
    group = "item"
    icon = "note"
    help = _("Writes a comment on the item's timeline.")

    class Settings(SettingsForm):
        text = MergeTextField(label=_("text"))

    def run(self, context: Context) -> Outcome:
        text = context.text(context.settings["text"])
        record(
            "comment.added",
            item=context.item,
            visit=context.visit,
            actor=context.rights,
            cause=context.cause,
            payload={"text": text},
        )
        boards.touch(context.item.pipeline_id, context.item.stage_id)
        return Done()

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("text", ""))[:80]
