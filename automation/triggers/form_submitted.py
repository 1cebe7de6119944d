"""Track CRM form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.fields import FormChoice
from crm.models import Event, Item


@trigger_types.register
class FormSubmitted(TriggerType):
    key = "form_submitted"
    label = _("Form sent")
    synonyms = _("web form, lead, request")
    example = _("The order form came in: a card stands in “New”.")
    group = "customer"
    icon = "forms"
    help = _("The customer sends a web form bound to the item.")
    events = ("form.submitted", "callback.requested")

    class Settings(SettingsForm):
        form = FormChoice(label=_("form"))
        callbacks = forms.BooleanField(label=_("callback forms too"), required=False)

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if event.kind == "callback.requested" and not settings["callbacks"]:
            return False
        return settings["form"] is None or settings["form"].pk == event.data("form")

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("form") or _("any form"))
