"""Linked item's stage: a card that this one was made from, or that was made from this one, enters a stage."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.fields import AnyStageChoice
from crm.events import kinds
from crm.models import Event, Item

KIND = "linked.moved"


@trigger_types.register
class LinkedItemStage(TriggerType):
    key = "linked_item_stage"
    label = _("Linked item's stage")
    synonyms = _("invoice of deal, lead won, parent")
    example = _("The deal's invoice is paid: the deal goes to “Produce”.")
    group = "item"
    icon = "link"
    help = _("A linked card enters a stage: the deal's invoice is paid, the lead of a deal is won.")
    events = (KIND,)

    class Settings(SettingsForm):
        linked_stage = AnyStageChoice(label=_("the linked card enters"))

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return bool(event.data("stage", None) == settings["linked_stage"].pk)

    def summary(self, settings: dict[str, Any]) -> str:
        stage = settings.get("linked_stage")
        return f"{stage.pipeline} · {stage}" if stage is not None else ""


def _told(event: Any) -> kinds.Shown:
    words = {"title": event.data("title"), "stage": event.data("stage_name")}
    return "link", _now("“%(title)s” is now in “%(stage)s”") % words, ""


kinds.register(
    kinds.EventKind(
        KIND, _("A linked card moved"), "link", _told, shows=("changes",), names_customer=True, conceals=("title",)
    )
)
