"""Send e-mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.actions.sending import send
from automation.base import Action, Context, Outcome, SettingsForm, actions
from automation.fields import ChannelChoice, MergeTextField
from automation.papers import newest_paper
from crm.fields.email import AddressField
from crm.ground.addresses import one_spelling
from crm.messages import merge_text
from crm.messages.mail import composing
from crm.models import MailTemplate, Medium, User


@actions.register
class SendEmail(Action):
    key = "send_email"
    label = _("Send e-mail")
    synonyms = _("mail, letter, newsletter")
    example = _("The offer as a file, two days later a reminder if nobody opened it.")
    group = "customer"
    icon = "mail"
    help = _("A mail to the customer, or to another address.")
    outputs = {"message": _("message"), "to": _("address")}
    sends = True

    class Settings(SettingsForm):
        template = forms.ModelChoiceField(
            MailTemplate.objects.filter(is_active=True),
            label=_("mail template"),
            required=False,
            empty_label=_("none: the text below"),
        )
        subject = MergeTextField(label=_("subject"), multiline=False, max_length=250, required=False)
        body = MergeTextField(label=_("text"), required=False)
        paper = forms.BooleanField(
            label=_("with the card's newest paper"), required=False, help_text=_("As a file, beside the text.")
        )
        to = AddressField(label=_("to"), required=False, help_text=_("Empty: the customer's first e-mail address."))
        channel = ChannelChoice("email", label=_("through"))

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            for name in ("subject", "body"):
                if not data.get("template") and not data.get(name) and name not in self.errors:
                    self.add_error(name, _now("Needed where no template is chosen."))
            return data

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        contact = context.item.contact
        subject, text, html = self._written(context)
        return send(
            context,
            Medium.EMAIL,
            settings["channel"],
            to=settings["to"] or (contact.email(context.item) if contact else ""),
            text=text,
            subject=subject,
            html=html,
            files=[newest_paper(context.item)] if settings["paper"] else [],
            to_customer=not settings["to"],
            # What goes to one of ours no customer's refusal stops.
            is_necessary=bool(settings["to"]) and User.objects.filter(email=one_spelling(settings["to"])).exists(),
        )

    def _written(self, context: Context) -> tuple[str, str, str]:
        """Subject, text, HTML (empty: made from the text)."""
        settings, template = context.settings, context.settings["template"]
        if template is None:
            return context.text(settings["subject"]), context.text(settings["body"], for_mail=True), ""
        subject = " ".join(context.text(template.subject).split())
        filled = context.text(template.body, html=True, for_mail=True)
        language = merge_text.language_of(context.item)
        made = composing.letter(filled, subject, language) if template.letterhead else composing.written(filled)
        return subject, *made

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("template") or settings.get("subject", ""))

    def writes_to(self, settings: dict[str, Any]) -> str:
        return "" if settings.get("to") else "email"
