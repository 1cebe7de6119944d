"""Send e-mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.actions.sending import send
from automation.base import Action, Context, Outcome, SettingsForm, actions
from automation.fields import ChannelChoice, MergeTextField
from crm.models import Medium


@actions.register
class SendEmail(Action):
    key = "send_email"
    label = _("Send e-mail")
    group = "customer"
    icon = "mail"
    help = _("A mail to the customer, or to another address.")
    outputs = {"message": _("message"), "to": _("address")}
    sends = True

    class Settings(SettingsForm):
        subject = MergeTextField(label=_("subject"), multiline=False, max_length=250)
        body = MergeTextField(label=_("text"))
        to = forms.EmailField(label=_("to"), required=False, help_text=_("Empty: the customer's first e-mail address."))
        channel = ChannelChoice("email", label=_("through"))

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        contact = context.item.contact
        return send(
            context,
            Medium.EMAIL,
            settings["channel"],
            to=settings["to"] or (contact.email() if contact else ""),
            text=context.text(settings["body"]),
            subject=context.text(settings["subject"]),
            to_customer=not settings["to"],
        )

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("subject", ""))
