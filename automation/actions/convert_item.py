"""Create from this item: a deal of a lead, a contact or company of what was typed; duplicates are looked up first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Skip, actions
from automation.fields import MergeTextField
from crm.ground import phones
from crm.ground.addresses import one_spelling
from crm.ground.sentences import first_of, said
from crm.items import converting, customer_rights
from crm.messages.merge_fields import item_link
from crm.models import Company, Contact, Forbidden, Item, Pipeline, Refused

INTO = [("deal", _("a card of another pipeline")), ("contact", _("a contact")), ("company", _("a company"))]


@actions.register
class ConvertItem(Action):
    key = "convert_item"
    label = _("Create from this item")
    synonyms = _("lead to deal, customer")
    example = _("A lead that answered becomes a deal.")
    group = "item"
    icon = "git-merge"
    help = _("A deal of a lead, which is won by it; or the contact or company that the card lacks, unless it is known.")
    outputs = {"item": _("card"), "link": _("link"), "contact": _("contact"), "company": _("company")}
    alone = True

    class Settings(SettingsForm):
        into = forms.ChoiceField(label=_("what"), choices=INTO, initial="deal")
        pipeline = forms.ModelChoiceField(Pipeline.objects.all(), label=_("pipeline"), required=False, empty_label="—")
        name = MergeTextField(label=_("name"), multiline=False, max_length=200, required=False)
        email = MergeTextField(label=_("e-mail address"), multiline=False, required=False)
        phone = MergeTextField(label=_("phone"), multiline=False, required=False)

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("into") == "deal" and data.get("pipeline") is None and "pipeline" not in self.errors:
                self.add_error("pipeline", _now("In which pipeline?"))
            if data.get("into") in ("contact", "company") and not data.get("name") and "name" not in self.errors:
                self.add_error("name", _now("What is it called?"))
            return data

    def run(self, context: Context) -> Outcome:
        into = context.settings["into"]
        try:
            made = {"deal": self._deal, "contact": self._contact, "company": self._company}[into](context)
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        except ValidationError as error:
            raise ActionError(first_of(error)) from error
        return made

    def _deal(self, context: Context) -> Outcome:
        item, pipeline = context.item, context.settings["pipeline"]
        title = context.text(context.settings["name"]) or item.title
        if converting.is_lead(item):
            made = converting.convert(item, by=context.rights, pipeline=pipeline, title=title, cause=context.cause)
        else:
            taken: dict[str, Any] = {
                "contact": item.contact,
                "company": item.company,
                "owner": item.owner,
                "parent": item,
            }
            taken |= {"amount": item.amount, "currency": item.currency}
            made = Item.create(pipeline, title, by=context.rights, cause=context.cause, **taken)
        return Done({"item": made.pk, "link": item_link(made.pk)}, summary=made.title)

    def _contact(self, context: Context) -> Outcome:
        if context.item.contact is not None:
            return Skip(said("convert.has_contact", "The card has a contact already."))
        name, email = _named(context), one_spelling(context.text(context.settings["email"]))
        if email:
            validate_email(email)
        if len(email) > 254:
            raise ActionError(said("convert.long_email", "This e-mail address is too long."))
        typed = context.text(context.settings["phone"])
        phone = phones.parse(typed) if typed else phones.PhoneNumber("")
        contact = Contact.objects.recognised(name=name, email=email, phone=phone)
        if contact is None:
            _may_add(context)
            contact = Contact.objects.create(name=name, owner=context.item.owner)
            contact.add_email(email)
            contact.add_phone(phone)
        customer_rights.check_links(context.rights, {"contact": contact})
        context.item.change({"contact": contact}, by=None, shown_as=context.rights, cause=context.cause)
        return Done({"contact": contact.pk}, summary=contact.name)

    def _company(self, context: Context) -> Outcome:
        if context.item.company is not None:
            return Skip(said("convert.has_company", "The card has a company already."))
        name = _named(context)
        company = Company.objects.filter(name__iexact=name).order_by("pk").first()
        if company is None:
            _may_add(context)
            company = Company.objects.create(name=name, owner=context.item.owner)
        customer_rights.check_links(context.rights, {"company": company})
        context.item.change({"company": company}, by=None, shown_as=context.rights, cause=context.cause)
        return Done({"company": company.pk}, summary=company.name)

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("pipeline") or dict(INTO).get(str(settings.get("into")), ""))


def _named(context: Context) -> str:
    """What it shall be called. Raises ActionError for nothing: everybody without a name would be one."""
    name = " ".join(context.text(context.settings["name"]).split())[:200]
    if not name:
        raise ActionError(said("convert.nameless", "There is no name to call it by."))
    return name


def _may_add(context: Context) -> None:
    """Raises Forbidden where the publisher may add no customers, or none of the card's owner."""
    if not customer_rights.hands_to(context.rights, "add", context.item.owner):
        raise Forbidden(customer_rights.REFUSALS["add"])
