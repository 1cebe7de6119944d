"""Move to pipeline."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import EDIT, Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import AnyStageChoice
from crm.models import Refused


@actions.register
class ChangePipeline(Action):
    key = "change_pipeline"
    label = _("Move to pipeline")
    synonyms = _("funnel, transfer")
    example = _("From sales to service, without losing the history.")
    group = "item"
    icon = "layout-kanban"
    help = _(
        "Moves the card to a stage of another pipeline of its type, whose rules run. Place it last: later rules here end."
    )
    alone = True

    class Settings(SettingsForm):
        stage = AnyStageChoice(label=_("to"))

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            stage = data.get("stage")
            if stage is not None and stage.pipeline_id == self.scope.pipeline_id:
                self.add_error("stage", _now("That is this pipeline; “Change stage” moves within it."))
            return data

    def run(self, context: Context) -> Outcome:
        stage = context.settings["stage"]
        try:
            context.item.transfer(stage, by=context.rights, cause=context.cause)
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        return Done(summary=f"{stage.pipeline} · {stage}")

    def summary(self, settings: dict[str, Any]) -> str:
        stage = settings.get("stage")
        return f"{stage.pipeline} · {stage}" if stage is not None else ""

    def leaves(self, settings: dict[str, Any]) -> bool:
        return True

    def needs(self, settings: dict[str, Any]) -> list[tuple[str, int | None]]:
        return [EDIT, ("move", None)]
