"""The fields that merge texts may print and conditions may read, by whose they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy

from crm.items.models.profit import profit_of
from crm.pipelines.custom_fields import CustomField


@dataclass(frozen=True)
class MergeField:
    """One value that merge texts may print.

    Args:
        path: "contact.name".
        type: key of its type of field (crm/fields/).
        get: from the row to the plain value.
        linked: from the row to the record that conditions compare, where the plain value is but its name.
    """

    path: str
    label: Any
    type: str
    get: Callable[[Any], Any]
    linked: Callable[[Any], Any] | None = None


def _text(name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(row, name) or ""


ITEM_FIELDS = (
    MergeField("item.id", gettext_lazy("number"), "number", lambda item: item.pk),
    MergeField("item.title", gettext_lazy("title"), "text", _text("title")),
    MergeField("item.amount", gettext_lazy("amount"), "money", lambda item: item.amount),
    MergeField("item.currency", gettext_lazy("currency"), "currency", _text("currency")),
    MergeField("item.stage", gettext_lazy("stage"), "stage", lambda item: item.stage.name, lambda item: item.stage),
    MergeField(
        "item.owner",
        gettext_lazy("owner"),
        "user",
        lambda item: item.owner.name if item.owner else "",
        lambda item: item.owner,
    ),
    MergeField("item.pipeline", gettext_lazy("pipeline"), "text", lambda item: item.pipeline.name),
    MergeField("item.source", gettext_lazy("source"), "text", _text("source")),
    MergeField("item.due_date", gettext_lazy("expected on"), "date", lambda item: item.due_date),
    MergeField("item.created_at", gettext_lazy("created"), "datetime", lambda item: item.created_at),
    MergeField(
        "item.lost_reason",
        gettext_lazy("lost reason"),
        "lost_reason",
        lambda item: str(item.lost_reason or ""),
        lambda item: item.lost_reason,
    ),
    MergeField("item.link", gettext_lazy("link for colleagues"), "text", lambda item: item_link(item.pk)),
)
# What rules alone may name, whose publisher sees profit: no mail template, no paper, no text that is written by hand.
CONFIDENTIAL_FIELDS = (
    MergeField("item.profit", gettext_lazy("profit"), "money", lambda item: _earned(item, "amount")),
    MergeField("item.costs", gettext_lazy("costs"), "money", lambda item: _earned(item, "costs")),
    MergeField("item.margin", gettext_lazy("margin, %"), "number", lambda item: _earned(item, "margin")),
)
CONFIDENTIAL = {field.path: field for field in CONFIDENTIAL_FIELDS}


def _earned(item: Any, name: str) -> Any:
    row = profit_of(item)
    return getattr(row, name) if row is not None else None


CONTACT_FIELDS = (
    MergeField("contact.name", gettext_lazy("name"), "text", _text("name")),
    MergeField("contact.salutation", gettext_lazy("how to address"), "text", lambda contact: contact.salutation),
    MergeField("contact.email", gettext_lazy("e-mail"), "email", lambda contact: contact.email()),
    MergeField("contact.phone", gettext_lazy("phone"), "phone", lambda contact: contact.phone()),
    MergeField("contact.language", gettext_lazy("language"), "language", _text("language")),
)
COMPANY_FIELDS = (
    MergeField("company.name", gettext_lazy("name"), "text", _text("name")),
    MergeField("company.tax_number", gettext_lazy("tax number"), "text", _text("tax_number")),
    MergeField("company.address", gettext_lazy("address"), "text", _text("address")),
    MergeField("company.phone", gettext_lazy("phone"), "phone", _text("phone")),
    MergeField("company.email", gettext_lazy("e-mail"), "email", _text("email")),
)
OWNER_FIELDS = (
    MergeField("owner.name", gettext_lazy("name"), "text", _text("name")),
    MergeField("owner.email", gettext_lazy("e-mail"), "email", _text("email")),
    MergeField("owner.phone", gettext_lazy("phone"), "phone", _text("phone")),
)
OWN_COMPANY_FIELDS = (
    MergeField("own_company.name", gettext_lazy("name"), "text", _text("name")),
    MergeField("own_company.phone", gettext_lazy("phone"), "phone", _text("phone")),
    MergeField("own_company.email", gettext_lazy("e-mail"), "email", _text("email")),
    MergeField("own_company.address", gettext_lazy("address"), "text", _text("address")),
    MergeField("own_company.website", gettext_lazy("website"), "text", _text("website")),
    MergeField("own_company.tax_number", gettext_lazy("tax number"), "text", _text("tax_number")),
    MergeField("own_company.registration", gettext_lazy("registration"), "text", _text("registration")),
    MergeField("own_company.bank", gettext_lazy("bank"), "text", _text("bank")),
    MergeField("own_company.account", gettext_lazy("bank account"), "text", _text("account")),
    MergeField("own_company.bic", gettext_lazy("BIC of the bank"), "text", _text("bic")),
)
ROOTS: dict[str, tuple[Any, tuple[MergeField, ...]]] = {
    "item": (gettext_lazy("Item"), ITEM_FIELDS),
    "contact": (gettext_lazy("Contact"), CONTACT_FIELDS),
    "company": (gettext_lazy("Company"), COMPANY_FIELDS),
    "owner": (gettext_lazy("Owner"), OWNER_FIELDS),
    "own_company": (gettext_lazy("Own company"), OWN_COMPANY_FIELDS),
}


LINKED = {field.path: field.linked for _label, fields in ROOTS.values() for field in fields if field.linked}


def item_link(pk: int) -> str:
    return settings.PUBLIC_URL + reverse("item", args=[pk])


def custom_keys(target: str) -> dict[str, tuple[str, str]]:
    rows = CustomField.objects.filter(target=target).values_list("key", "label", "type")
    return {key: (label, type_) for key, label, type_ in rows}


def _custom_keys() -> dict[str, dict[str, tuple[str, str]]]:
    """Of all targets at once: {target: {key: (label, type)}}."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for target, key, label, type_ in CustomField.objects.values_list("target", "key", "label", "type"):
        found.setdefault(target, {})[key] = (label, type_)
    return found


def field_list(confidential: bool = False) -> list[tuple[Any, list[tuple[str, Any, str]]]]:
    """For pickers: [(group, [(path, label, type)])], custom fields included; labels that are ours are lazy texts.

    Args:
        confidential: with those that only rules may name.
    """
    groups, custom = [], _custom_keys()
    for root, (label, fields) in ROOTS.items():
        shown = (*fields, *CONFIDENTIAL_FIELDS) if confidential and root == "item" else fields
        rows = [(field.path, field.label, field.type) for field in shown]
        if root in ("item", "contact", "company"):
            ours = {str(label) for _path, label, _type in rows}
            # One of the company's own that is called as one of ours is: its key tells them apart.
            rows += [
                (f"{root}.custom.{key}", f"{name} ({key})" if name in ours else name, type_)
                for key, (name, type_) in custom.get(root, {}).items()
            ]
        groups.append((label, rows))
    return groups


def known_paths(confidential: bool = False) -> dict[str, set[str]]:
    """Args: confidential: as of `field_list`."""
    known = {root: {field.path.split(".")[1] for field in fields} for root, (_label, fields) in ROOTS.items()}
    for root in ("item", "contact", "company"):
        known[root].add("custom")
    if confidential:
        known["item"] |= {path.split(".")[1] for path in CONFIDENTIAL}
    return known
