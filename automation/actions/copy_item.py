"""Copy item."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import EDIT, Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import AnyStageChoice, MergeTextField, UserChoice
from crm.items.listing import replace_lines
from crm.items.models.lines import LineItem
from crm.messages.merge_fields import item_link
from crm.models import Item, Refused
from crm.pipelines.machine import machine_of

TAKEN = ("contact", "company", "amount", "currency", "due_date", "probability", "source")


@actions.register
class CopyItem(Action):
    key = "copy_item"
    label = _("Copy item")
    synonyms = _("duplicate, clone")
    example = _("The yearly service as a new card of the same customer.")
    group = "item"
    icon = "copy"
    help = _("A second card with the same customer and fields; it enters its stage like any other, its rules start.")
    outputs = {"item": _("card"), "link": _("link")}
    alone = True

    class Settings(SettingsForm):
        stage = AnyStageChoice(label=_("into the stage"))
        title = MergeTextField(label=_("title"), multiline=False, max_length=200, required=False)
        owner = UserChoice(label=_("owner"), required=False, empty_label=_("as this card"))
        lines = forms.BooleanField(label=_("with its lines"), required=False, initial=True)

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("stage") is not None and data["stage"] == self.scope.stage and not self.scope.running:
                self.add_error("stage", _now("The rule stands on this stage: each new card would make the next."))
            return data

    def run(self, context: Context) -> Outcome:
        settings, item = context.settings, context.item
        known = machine_of(settings["stage"].pipeline_id).fields
        fields = {name: getattr(item, name) for name in TAKEN}
        fields["custom"] = {key: value for key, value in item.custom.items() if key in known}
        try:
            made = Item.create(
                settings["stage"].pipeline,
                context.text(settings["title"]) or item.title,
                stage=settings["stage"],
                by=context.rights,
                cause=context.cause,
                owner=settings["owner"] or item.owner,
                parent=item,
                **fields,
            )
            lines = [_copied(line) for line in item.lines.all()] if settings["lines"] else []
            if lines:
                replace_lines(made, lines, by=context.rights, cause=context.cause, costs_said=True)
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        made.tags.set(item.tags.all())
        return Done({"item": made.pk, "link": item_link(made.pk)}, summary=made.title)

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("stage") or "")

    def needs(self, settings: dict[str, Any]) -> list[tuple[str, int | None]]:
        stage = settings.get("stage")
        return [EDIT, ("add", stage.pipeline_id)] if stage else [EDIT]


def _copied(line: LineItem) -> LineItem:
    line.pk = None
    line._state.adding = True
    return line
