"""Modify contact: the card's primary one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, Skip, actions
from automation.customer_fields import CustomerFieldsForm, change, rows_of
from crm.customers.forms.people import ContactForm
from crm.ground.sentences import said
from crm.models import Contact


@actions.register
class ChangeContact(Action):
    key = "change_contact"
    label = _("Modify contact")
    synonyms = _("person, customer, client")
    example = _("Mark the contact as a regular after the third order.")
    group = "customer"
    icon = "user"
    help = _("Writes values, or texts with values, into fields of the card's contact.")
    outputs = {"changed": _("changed fields")}
    alone = True

    class Settings(CustomerFieldsForm):
        form_class, model = ContactForm, Contact

    def run(self, context: Context) -> Outcome:
        contact = context.item.contact
        if contact is None:
            return Skip(said("contact.none", "The card has no contact."))
        changed = change(context, contact, ContactForm)
        return Done({"changed": changed}, summary=", ".join(changed))

    def summary(self, settings: dict[str, Any]) -> str:
        return ", ".join(f"{name} = {value}" for name, value, _append in rows_of(settings))
