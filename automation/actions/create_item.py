"""Create item."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import EDIT, Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import AnyStageChoice, MergeTextField, UserChoice
from automation.operand import OperandField, number_of
from crm.messages.merge_fields import item_link
from crm.models import Item, Refused


@actions.register
class CreateItem(Action):
    key = "create_item"
    label = _("Create item")
    synonyms = _("new deal, new card, lead")
    example = _("A won deal opens a card in the delivery pipeline.")
    group = "item"
    icon = "plus"
    help = _("Makes another card in any pipeline; the rules of its stage start.")
    outputs = {"item": _("card"), "link": _("link")}
    alone = True

    class Settings(SettingsForm):
        stage = AnyStageChoice(label=_("into the stage"))
        title = MergeTextField(label=_("title"), multiline=False, max_length=200)
        owner = UserChoice(label=_("owner"), required=False, empty_label=_("as this card"))
        amount = OperandField(label=_("amount"), required=False)
        with_customer = forms.BooleanField(label=_("with the same contact and company"), required=False, initial=True)
        linked = forms.BooleanField(label=_("linked to this card"), required=False, initial=True)

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("stage") is not None and data["stage"] == self.scope.stage and not self.scope.running:
                self.add_error("stage", _now("The rule stands on this stage: each new card would make the next."))
            return data

    def run(self, context: Context) -> Outcome:
        settings, item = context.settings, context.item
        fields: dict[str, Any] = {"owner": settings["owner"] or item.owner}
        if settings["with_customer"]:
            fields |= {"contact": item.contact, "company": item.company}
        if settings["linked"]:
            fields["parent"] = item
        if settings["amount"] != "":
            fields |= {"amount": number_of(context, settings["amount"]), "currency": item.currency}
        try:
            made = Item.create(
                settings["stage"].pipeline,
                context.text(settings["title"]),
                stage=settings["stage"],
                by=context.rights,
                cause=context.cause,
                **fields,
            )
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        return Done({"item": made.pk, "link": item_link(made.pk)}, summary=made.title)

    def summary(self, settings: dict[str, Any]) -> str:
        return f"{settings.get('stage', '')}: {settings.get('title', '')}"[:80]

    def needs(self, settings: dict[str, Any]) -> list[tuple[str, int | None]]:
        stage = settings.get("stage")
        return [EDIT, ("add", stage.pipeline_id)] if stage else [EDIT]
