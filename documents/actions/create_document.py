"""Create document."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Wait, actions
from automation.values import RuleOutputs
from crm.messages import merge_text
from crm.models import Refused
from documents import making
from documents.fields import TemplateChoice
from documents.models import Document
from documents.models.templates import Kind


@actions.register
class CreateDocument(Action):
    key = "create_document"
    label = _("Create document")
    synonyms = _("contract, offer, PDF, template")
    example = _("The contract is made as soon as the offer is accepted.")
    group = "documents"
    icon = "file-text"
    leads = True
    causes = ("document.created",)
    help = _("A paper from a template, as PDF, with a link for the customer.")
    alone = True  # it takes a number, whose counter others wait for
    outputs = {"document": _("document"), "number": _("number"), "link": _("link"), "pdf": _("file")}

    class Settings(SettingsForm):
        template = TemplateChoice(without=Kind.CREDIT_NOTE, label=_("template"))
        stamped = forms.BooleanField(label=_("with stamp and signature"), required=False)
        wait = forms.BooleanField(label=_("wait for the PDF"), required=False, initial=True)

    def run(self, context: Context) -> Outcome:
        try:
            document = making.make(
                context.settings["template"],
                context.item,
                by=context.rights,
                origin=context.origin,
                depth=context.cause.depth,
                stamped=context.settings["stamped"],
                outputs=RuleOutputs(context.visit),
            )
        except (merge_text.MergeError, Refused) as error:
            raise ActionError(str(error)) from error
        return drawn_or_waiting(document, context.settings["wait"], {})

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("template") or "")


def drawn_or_waiting(document: Document, wait: bool, more: dict[str, Any]) -> Outcome:
    """Later rules may name the number and the link at once; with *wait* they start when the PDF is there."""
    outputs = {"document": document.pk, "number": document.number, "link": document.link(), **more}
    outputs["pdf"] = f"{outputs['link']}file.pdf"
    if wait:
        return Wait(on=f"job:{document.job_id}", outputs=outputs)
    return Done(outputs, summary=document.number)
