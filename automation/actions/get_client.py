"""Customer information."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, Skip, actions
from crm.ground.sentences import said
from crm.models import Item


@actions.register
class GetClient(Action):
    key = "get_client"
    label = _("Customer information")
    synonyms = _("contact, company data")
    example = _("A mail in the customer's own language.")
    group = "helpers"
    icon = "users"
    leads = True
    help = _("The customer's addresses, company and how many cards they have, for the texts of later rules.")
    helper = True
    outputs = {
        "contact": _("contact"),
        "name": _("name"),
        "salutation": _("how to address"),
        "email": _("e-mail address"),
        "phone": _("phone"),
        "company": _("company"),
        "tax_number": _("tax number"),
        "open_cards": _("open cards"),
        "won_cards": _("won cards"),
    }

    def run(self, context: Context) -> Outcome:
        contact, company = context.item.contact, context.item.company
        if contact is None and company is None:
            return Skip(said("client.none", "The card has neither a contact nor a company."))
        return Done(self._values(context.item), summary=str(contact or company))

    def _values(self, item: Item) -> dict[str, Any]:
        contact = item.contact
        company = item.company or (contact.company if contact is not None else None)
        cards = (
            Item.objects.alive().filter(contact=contact) if contact else Item.objects.alive().filter(company=company)
        )
        return {
            "contact": contact.pk if contact else None,
            "name": contact.name if contact else "",
            "salutation": contact.salutation if contact else "",
            "email": contact.email(item) if contact else "",
            "phone": contact.phone(item=item) if contact else "",
            "company": company.name if company else "",
            "tax_number": company.tax_number if company else "",
            "open_cards": cards.filter(stage__kind="open").count(),
            "won_cards": cards.filter(stage__kind="won").count(),
        }
