"""Track field change."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.fields import ItemFieldChoices
from automation.models import Run
from crm.ground.folding import fold
from crm.models import Event, Item


@trigger_types.register
class FieldChanged(TriggerType):
    key = "field_changed"
    label = _("Field changed")
    synonyms = _("value, edit, became")
    example = _("The amount went above 10,000: to “Key customers”.")
    group = "item"
    icon = "pencil"
    help = _("A person, the API, a form or a rule of another item changes one of the fields.")
    events = ("field.changed",)

    class Settings(SettingsForm):
        fields_watched = ItemFieldChoices(label=_("fields"), widget=forms.CheckboxSelectMultiple)
        old = forms.CharField(label=_("from"), required=False, max_length=200, help_text=_("Empty: any value."))
        new = forms.CharField(label=_("to"), required=False, max_length=200, help_text=_("Empty: any value."))

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if self._by_own_rule(event, item):
            return False
        changes = event.data("changes", {})
        return any(
            self._fits(settings["old"], changes[name][0]) and self._fits(settings["new"], changes[name][1])
            for name in settings["fields_watched"]
            if name in changes
        )

    def _by_own_rule(self, event: Event, item: Item) -> bool:
        kind, _colon, pk = event.cause_ref.partition(":")
        return kind == "run" and Run.objects.filter(pk=pk, item=item).exists()

    @staticmethod
    def _fits(wanted: str, value: Any) -> bool:
        if not wanted:
            return True
        try:
            return float(value) == float(wanted.replace(",", "."))
        except (TypeError, ValueError):
            return fold(str(value or "")) == fold(wanted)

    def summary(self, settings: dict[str, Any]) -> str:
        return ", ".join(settings.get("fields_watched") or [])
