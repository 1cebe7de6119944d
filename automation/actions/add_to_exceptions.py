"""Add to exceptions: nothing more is taken in of this customer's addresses and numbers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Skip, actions
from crm.ground.sentences import said
from crm.items.models.gate import MoveOptions
from crm.models import LostReason, Refused, SenderException
from crm.pipelines.machine import machine_of

WHAT = [
    ("both", _("the addresses and numbers")),
    ("address", _("the e-mail addresses")),
    ("number", _("the phone numbers")),
]
THEN = [
    ("lost", _("close the card as lost")),
    ("delete", _("delete the card")),
    ("keep", _("leave the card where it is")),
]


@actions.register
class AddToExceptions(Action):
    key = "add_to_exceptions"
    label = _("Add to exceptions")
    synonyms = _("spam, block, blacklist")
    example = _("An advertiser writes to the sales address: never again.")
    group = "customer"
    icon = "hand-stop"
    drastic = True
    help = _(
        "Later mail, forms, SMS and logged calls from the customer's addresses and numbers are counted and not taken in. "
        "It concerns every item that arrives, so give it a condition or keep a stage for it."
    )
    outputs = {"added": _("how many were added")}
    alone = True

    class Settings(SettingsForm):
        what = forms.ChoiceField(label=_("what"), choices=WHAT, initial="both")
        reason = forms.CharField(label=_("reason"), max_length=200, required=False, initial=_("spam"))
        # No default: whoever adds it says himself what becomes of the card.
        then = forms.ChoiceField(label=_("and then"), choices=[("", _("please choose")), *THEN])

    def run(self, context: Context) -> Outcome:
        contact = context.item.contact
        if contact is None:
            return Skip(said("contact.none", "The card has no contact."))
        what, reason = context.settings["what"], context.settings["reason"]
        entries = [("address", row.address) for row in contact.emails.all() if what != "number"]
        entries += [("number", row.number) for row in contact.phones.all() if what != "address"]
        if not entries:
            return Skip(said("exceptions.nothing", "The contact has nothing that could be put on the list."))
        try:
            for kind, value in entries:
                SenderException.add(kind, value, reason=reason, by=context.rights)
            self._end(context, reason)
        except ValidationError as error:
            raise ActionError(" ".join(error.messages)) from error
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        return Done({"added": len(entries)}, summary=", ".join(value for _kind, value in entries)[:200])

    def _end(self, context: Context, reason: str) -> None:
        """What becomes of the card. Raises Refused."""
        then, item = context.settings["then"], context.item
        if then == "delete":
            item.delete_softly(by=context.rights, cause=context.cause)
        if then != "lost":
            return
        machine = machine_of(item.pipeline_id)
        lost = next((stage for stage in machine.ordered() if stage.kind == "lost"), None)
        if lost is None:
            raise Refused(said("stage.no_lost", "The pipeline has no stage for lost cards."))
        known: Any = LostReason.objects.filter(
            Q(pipeline=item.pipeline_id) | Q(pipeline=None), name__iexact=reason
        ).first()
        options = MoveOptions(by=context.rights, cause=context.cause, reason=known, note=reason or "—", override=True)
        item.move_to(lost, options)

    def summary(self, settings: dict[str, Any]) -> str:
        return " · ".join(
            str(dict(choices).get(str(settings.get(name)), "")) for name, choices in (("what", WHAT), ("then", THEN))
        )

    def leaves(self, settings: dict[str, Any]) -> bool:
        return settings.get("then") in ("lost", "delete")
