"""Send for signature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.actions.sending import send
from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Wait, actions
from automation.fields import MergeTextField
from automation.values import RuleOutputs
from crm.messages import merge_text
from crm.models import Medium
from documents import making
from documents.fields import TemplateChoice
from documents.models import Document
from documents.models.templates import Kind

LINK = {"paper": {"link", "number", "title"}}


@actions.register
class SendForSignature(Action):
    key = "send_for_signature"
    label = _("Send for signature")
    synonyms = _("sign, accept, contract")
    example = _("The contract by a link; its signature moves the card on.")
    group = "documents"
    icon = "signature"
    leads = True
    causes = ("document.created",)
    help = _(
        "Makes a paper and asks the customer by e-mail or SMS to accept it with their name; the answer is a trigger."
    )
    outputs = {"document": _("document"), "number": _("number"), "link": _("link"), "message": _("message")}
    alone = True
    sends = True

    class Settings(SettingsForm):
        template = TemplateChoice(label=_("template"))
        stamped = forms.BooleanField(label=_("with stamp and signature"), required=False)
        medium = forms.ChoiceField(label=_("asked by"), choices=Medium.choices)
        subject = MergeTextField(label=_("subject"), multiline=False, max_length=250, required=False, extra=LINK)
        text = MergeTextField(
            label=_("text"),
            extra=LINK,
            help_text=_("With {{ paper.link }}, also {{ paper.number }} and {{ paper.title }}."),
        )

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            template = data.get("template")
            if template is not None and template.kind not in (Kind.OFFER, Kind.CONTRACT, Kind.ACCEPTANCE):
                self.add_error("template", _now("Papers of this kind are not accepted by customers."))
            if data.get("text") and "paper.link" not in data["text"]:
                self.add_error("text", _now("Without {{ paper.link }} the customer cannot answer."))
            if data.get("medium") == Medium.EMAIL and not data.get("subject") and "subject" not in self.errors:
                self.add_error("subject", _now("A mail needs a subject."))
            return data

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        try:
            document = making.make(
                settings["template"],
                context.item,
                by=context.rights,
                origin=context.origin,
                depth=context.cause.depth,
                stamped=settings["stamped"],
                outputs=RuleOutputs(context.visit),
            )
        except merge_text.MergeError as error:
            raise ActionError(str(error)) from error
        outputs = {"document": document.pk, "number": document.number, "link": document.link()}
        return Wait(on=f"job:{document.job_id}", outputs=outputs)

    def resume(self, context: Context, status: str, sentence: str) -> Outcome:
        """First the PDF is there, and the message goes out; then that has been sent."""
        ended = super().resume(context, status, sentence)
        if not isinstance(ended, Done) or "message" in context.outputs:
            return ended
        document = Document.objects.get(pk=context.outputs["document"])
        paper = {"link": document.link(), "number": document.number, "title": document.title}
        settings, contact = context.settings, context.item.contact
        by_mail = settings["medium"] == Medium.EMAIL
        to = (contact.email(context.item) if by_mail else contact.phone("mobile", context.item)) if contact else ""
        outcome = send(
            context,
            settings["medium"],
            None,
            to=to,
            text=context.text(settings["text"], paper=paper),
            subject=context.text(settings["subject"], paper=paper) if by_mail else "",
        )
        if isinstance(outcome, Wait):
            outcome = replace(outcome, outputs={**context.outputs, **outcome.outputs})
        return outcome

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("template") or "")

    def writes_to(self, settings: dict[str, Any]) -> str:
        return "phone" if settings.get("medium") == Medium.SMS else "email"
