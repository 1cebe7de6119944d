"""Track e-mail view."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from crm.models import Event, Item


@trigger_types.register
class EmailOpened(TriggerType):
    key = "email_opened"
    label = _("E-mail opened")
    synonyms = _("read, tracking, view")
    example = _("The customer opened the offer: to “Interested”.")
    group = "customer"
    icon = "mail"
    help = _("The customer opens a mail of this card, sent by a colleague or by a rule.")
    events = ("email.opened",)

    class Settings(SettingsForm):
        proxies = forms.BooleanField(
            label=_("pictures fetched by a mail service count too"),
            required=False,
            initial=True,
            help_text=_("Some services fetch pictures for their readers: it was probably opened."),
        )

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return bool(settings["proxies"] or not event.data("proxy"))
