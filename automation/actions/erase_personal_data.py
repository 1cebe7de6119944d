"""Erase the customer's data, at the customer's request."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Skip, actions
from crm.customers import erasing
from crm.ground.sentences import said
from crm.models import Refused

THEN = [("keep", _("keep the card without words")), ("delete", _("delete the card"))]


@actions.register
class ErasePersonalData(Action):
    key = "erase_personal_data"
    label = _("Erase the customer's data")
    synonyms = _("GDPR, privacy, forget")
    example = _("A customer asked to be forgotten; the card was dragged to “Forget”.")
    group = "customer"
    icon = "trash"
    drastic = True
    help = _(
        "At the customer's request: contact, messages, files and history of all their cards are erased for good. Issued papers"
        " and payments stay for the legal period, closed to all but those who keep the books. A receipt stays."
    )
    outputs = {"receipt": _("receipt")}
    alone = True

    class Settings(SettingsForm):
        why = forms.CharField(
            label=_("how it was asked for"), max_length=300, required=False, help_text=_("Stands on the receipt.")
        )
        then = forms.ChoiceField(label=_("and then"), choices=THEN, initial="keep")

    def run(self, context: Context) -> Outcome:
        item, settings = context.item, context.settings
        if item.contact is None:
            return Skip(said("contact.none", "The card has no contact."))
        try:
            receipt = erasing.erase(item.contact, by=context.rights, why=settings["why"], cause=context.cause)
            if settings["then"] == "delete":
                item.refresh_from_db()
                item.delete_softly(by=context.rights, cause=context.cause)
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        return Done({"receipt": receipt.pk}, summary=str(receipt))

    def summary(self, settings: dict[str, Any]) -> str:
        return str(dict(THEN).get(str(settings.get("then")), ""))

    def leaves(self, settings: dict[str, Any]) -> bool:
        return True
