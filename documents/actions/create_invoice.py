"""Create invoice."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Outcome, SettingsForm, actions
from automation.values import RuleOutputs
from crm.ground.sentences import said
from crm.messages import merge_text
from crm.models import Refused
from documents.actions.create_document import drawn_or_waiting
from documents.fields import TemplateChoice
from documents.models import InvoiceFlow
from documents.models.templates import Kind


@actions.register
class CreateInvoice(Action):
    key = "create_invoice"
    label = _("Create invoice")
    synonyms = _("bill, payment")
    example = _("An advance of half the amount, due in 14 days.")
    group = "documents"
    icon = "file-text"
    leads = True
    causes = ("document.created",)
    help = _("An invoice of what the card lists, on the board of invoices, as PDF and with a link for the customer.")
    outputs = {
        "invoice": _("invoice"),
        "document": _("document"),
        "number": _("number"),
        "link": _("link"),
        "pdf": _("file"),
    }
    alone = True

    class Settings(SettingsForm):
        template = TemplateChoice(Kind.INVOICE, label=_("template"))
        due_days = forms.IntegerField(
            label=_("payable within days"), min_value=0, max_value=365, required=False, help_text=_("Empty: as usual.")
        )
        stamped = forms.BooleanField(label=_("with stamp and signature"), required=False)
        wait = forms.BooleanField(label=_("wait for the PDF"), required=False, initial=True)

    def run(self, context: Context) -> Outcome:
        flow = InvoiceFlow.first()
        if flow is None:
            raise ActionError(said("invoice.no_pipeline", "No pipeline of invoices is set up."))
        try:
            invoice, document = flow.make_invoice(
                context.item,
                context.settings["template"],
                by=context.rights,
                cause=context.cause,
                origin=context.origin,
                due_days=context.settings["due_days"],
                stamped=context.settings["stamped"],
                outputs=RuleOutputs(context.visit),
            )
        except (merge_text.MergeError, Refused) as error:
            raise ActionError(str(error)) from error
        return drawn_or_waiting(document, context.settings["wait"], {"invoice": invoice.pk})

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("template") or "")
