"""Track callback form."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.fields import FormChoice
from crm.models import Event, Item, WebForm


@trigger_types.register
class CallbackRequested(TriggerType):
    key = "callback_requested"
    label = _("Callback asked for")
    synonyms = _("call me back, form")
    example = _("“Call me back” was sent: the card goes to “Call today”.")
    group = "customer"
    icon = "phone"
    help = _("The customer sends a callback form; other forms do not count.")
    events = ("callback.requested",)

    class Settings(SettingsForm):
        form = FormChoice(label=_("form"), queryset=WebForm.objects.filter(kind=WebForm.Kind.CALLBACK))

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return settings["form"] is None or settings["form"].pk == event.data("form")

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("form") or _("any form"))
