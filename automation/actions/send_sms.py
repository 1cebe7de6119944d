"""Send SMS."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.actions.sending import send
from automation.base import Action, Context, Outcome, SettingsForm, actions
from automation.fields import ChannelChoice, MergeTextField
from crm.models import Medium
from crm.people.reach import PhoneKind


@actions.register
class SendSms(Action):
    key = "send_sms"
    label = _("Send SMS")
    synonyms = _("text message, mobile")
    example = _("“We have your order, {{ contact.name }}, and call within 30 minutes.”")
    group = "customer"
    icon = "device-mobile"
    help = _("A text message to the customer's phone.")
    outputs = {"message": _("message"), "to": _("number")}
    sends = True

    class Settings(SettingsForm):
        text = MergeTextField(
            label=_("text"),
            max_length=1600,
            widget=forms.Textarea(attrs={"rows": 5, "data-merge": "1", "data-sms": ""}),
        )
        to_kind = forms.ChoiceField(
            label=_("to the phone"), choices=[("", _("the first one")), *PhoneKind.choices], required=False
        )
        channel = ChannelChoice("sms", label=_("through"))

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        contact = context.item.contact
        return send(
            context,
            Medium.SMS,
            settings["channel"],
            to=contact.phone(settings["to_kind"], context.item) if contact else "",
            text=context.text(settings["text"]),
        )

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("text", ""))[:80]

    def writes_to(self, settings: dict[str, Any]) -> str:
        return "phone"
