"""Track owner change."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.fields import UserChoice
from crm.models import Event, Item


@trigger_types.register
class OwnerChanged(TriggerType):
    key = "owner_changed"
    label = _("Owner changed")
    synonyms = _("assigned, responsible")
    example = _("Given to the service team: to “Service”.")
    group = "item"
    icon = "user"
    help = _("The item is given to somebody else.")
    events = ("owner.changed",)

    class Settings(SettingsForm):
        to = UserChoice(label=_("to"), required=False, empty_label=_("anybody"))

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return settings["to"] is None or settings["to"].pk == event.data("to", None)

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("to") or "")
