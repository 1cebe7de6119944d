"""Change stage."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import EDIT, Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import StageChoice
from crm.items.models.gate import MoveOptions
from crm.models import Refused, Stage


@actions.register
class ChangeStage(Action):
    key = "change_stage"
    label = _("Change stage")
    synonyms = _("move, status, column")
    example = _("When the invoice is sent, on to “Waiting for payment”.")
    group = "item"
    icon = "arrow-right"
    help = _("Moves the item on. It leaves the stage, so later rules of this visit are cancelled: place it last.")
    alone = True

    class Settings(SettingsForm):
        stage = StageChoice(label=_("to"))

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("stage") == self.scope.stage:
                self.add_error("stage", _("The rule stands on this stage already."))
            return data

    def run(self, context: Context) -> Outcome:
        target = context.settings["stage"]
        # It ends with the move that it makes: closing the visit must not cancel the run that does it.
        try:
            context.item.move_to(target, MoveOptions(by=context.rights, cause=context.cause))
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        return Done(summary=target.name)

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("stage") or "")

    def moves_to(self, settings: dict[str, Any]) -> Stage | None:
        return settings.get("stage") or None

    def needs(self, settings: dict[str, Any]) -> list[tuple[str, int | None]]:
        return [EDIT, ("move", None)]
