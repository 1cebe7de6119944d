"""Modify company: the card's primary one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, Skip, actions
from automation.customer_fields import CustomerFieldsForm, change, rows_of
from crm.customers.forms.people import CompanyForm
from crm.ground.sentences import said
from crm.models import Company


@actions.register
class ChangeCompany(Action):
    key = "change_company"
    label = _("Modify company")
    synonyms = _("organisation, firm")
    example = _("Write the tax number from the order form into the company.")
    group = "customer"
    icon = "building"
    help = _("Writes values, or texts with values, into fields of the card's company.")
    outputs = {"changed": _("changed fields")}
    alone = True

    class Settings(CustomerFieldsForm):
        form_class, model = CompanyForm, Company

    def run(self, context: Context) -> Outcome:
        company = context.item.company
        if company is None:
            return Skip(said("company.none", "The card has no company."))
        changed = change(context, company, CompanyForm)
        return Done({"changed": changed}, summary=", ".join(changed))

    def summary(self, settings: dict[str, Any]) -> str:
        return ", ".join(f"{name} = {value}" for name, value, _append in rows_of(settings))
