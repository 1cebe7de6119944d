"""Our own fields of items, contacts and companies, described as custom fields are."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.fields.base import FieldType
from crm.fields.company import Firm
from crm.fields.contact import Customer
from crm.fields.currency import Currency
from crm.fields.day import Date
from crm.fields.email import Email
from crm.fields.emails import Emails
from crm.fields.field import Field
from crm.fields.language import Language
from crm.fields.long_text import LongText
from crm.fields.lost_reason import Reason
from crm.fields.moment import DateTime
from crm.fields.names import Names
from crm.fields.percent import Percent
from crm.fields.phone import Phone
from crm.fields.phones import Phones
from crm.fields.priced import Priced
from crm.fields.profit import ProfitType
from crm.fields.stage import StageType
from crm.fields.text import Text
from crm.fields.user import Person


def _field(name: str, label: Any, kind: type[FieldType], is_needed: bool = False, **limits: Any) -> Field:
    return Field(name, label, kind(), is_needed=is_needed, limits=tuple(limits.items()))


def _named(*fields: Field) -> dict[str, Field]:
    return {field.name: field for field in fields}


# What people, rules and programs may fill, in the order of the card.
ITEM = _named(
    _field("title", _("title"), Text, True, max_length=200),
    _field("amount", _("amount"), Priced),
    _field("currency", _("currency"), Currency, True),
    _field("contact", _("contact"), Customer),
    _field("company", _("company"), Firm),
    _field("owner", _("owner"), Person),
    _field("due_date", _("expected on"), Date),
    _field("probability", _("probability, %"), Percent),
    _field("source", _("source"), Text, max_length=80),
)
# What the CRM itself writes.
ITEM_KEPT = _named(
    _field("stage", _("stage"), StageType),
    _field("lost_reason", _("lost reason"), Reason),
    _field("lost_note", _("lost because"), LongText),
    _field("created_at", _("created at"), DateTime),
    _field("next_activity_at", _("next planned activity"), DateTime),
    _field("external_id", _("id elsewhere"), Text, max_length=100),
)
CONTACT = _named(
    _field("name", _("name"), Text, True, max_length=200),
    _field("address_as", _("how to address"), Text, max_length=100),
    _field("phones", _("phones"), Phones),
    _field("emails", _("e-mail addresses"), Emails),
    _field("company", _("company"), Firm),
    _field("language", _("language"), Language),
    _field("owner", _("owner"), Person),
    _field("tags", _("tags"), Names),
)
COMPANY = _named(
    _field("name", _("name"), Text, True, max_length=200),
    _field("tax_number", _("tax number"), Text, max_length=40),
    _field("phone", _("phone"), Phone),
    _field("email", _("e-mail"), Email),
    _field("address", _("address"), LongText),
    _field("owner", _("owner"), Person),
    _field("tags", _("tags"), Names),
)
# Beside the item's own row, for those who see it.
ITEM_PROFIT = _field("profit", _("profit"), ProfitType)
OF = {"item": ITEM, "contact": CONTACT, "company": COMPANY}
# What a pipeline may show on its cards besides title, customer and amount; custom fields come on top.
ON_CARD = {name: {**ITEM, **ITEM_KEPT}[name] for name in ("source", "due_date", "probability", "created_at")} | {
    "profit": ITEM_PROFIT
}
