"""Contacts and companies."""

from __future__ import annotations

from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field, StrictBool

from crm.api.auth import scope
from crm.api.errors import answers, form_errors, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import CompanyOut, ContactOut, Page, Visible, company_out, contact_out
from crm.customers import deleting
from crm.customers.forms.people import CompanyForm, ContactForm
from crm.items import customer_rights
from crm.people.models import Company, Contact
from crm.people.signed_in import signed_in

router = Router(tags=["contacts and companies"])


class _Person(Schema):
    model_config = {"extra": "forbid"}
    name: Annotated[Visible, Field(max_length=200)]
    owner: Id | None = None
    tags: list[str] | None = Field(default=None, max_length=50)
    custom: dict[str, Any] | None = None


class ContactIn(_Person):
    address_as: str = Field(default="", max_length=100)
    phones: list[str] = Field(default=[], max_length=20, description="With country, or as at home.")
    emails: list[str] = Field(default=[], max_length=20)
    company: str = Field(default="", max_length=200, description="By name; found or made.")
    language: str = ""
    zone: str = Field(default="", max_length=60, description="IANA name; empty: by the phone's country.")
    no_email: StrictBool = False
    no_sms: StrictBool = False


class ContactChange(ContactIn):
    name: str = Field(default="", max_length=200)


class CompanyIn(_Person):
    tax_number: str = Field(default="", max_length=40)
    phone: str = Field(default="", max_length=40)
    email: str = Field(default="", max_length=254)
    address: str = Field(default="", max_length=2000)


class CompanyChange(CompanyIn):
    name: str = Field(default="", max_length=200)


def _saved(request: HttpRequest, form_class: Any, record: Any, payload: Any) -> Any:
    """Through the page's own form: the same parsing, the same refusals, by field."""
    user: Any = request.user
    if record.pk:
        customer_rights.require(user, "edit", record)
    before = form_class(record, user=user)
    data: dict[str, Any] = {name: field.initial for name, field in before.fields.items() if field.initial is not None}
    sent = payload.model_dump(exclude_unset=True)
    for name, value in sent.items():
        if name == "custom":
            unknown = [key for key in value or {} if f"custom.{key}" not in before.fields]
            if unknown:
                raise invalid({f"custom.{key}": [_("There is no such field.")] for key in unknown})
            data |= _typed(before, value or {})
        elif name in ("phones", "emails"):
            data[name] = "\n".join(" ".join(line.split()) for line in value)
        elif name == "tags":
            data[name] = ", ".join(tag.replace(",", " ") for tag in value or [])
        else:
            data["company_name" if name == "company" and form_class is ContactForm else name] = value
    owner = data.get("owner")
    data["owner"] = getattr(owner, "pk", owner)
    form = form_class(record, {name: "" if value is None else value for name, value in data.items()}, user=user)
    if not form.is_valid():
        raise form_errors(form)
    return form.save()


def _typed(form: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Custom values as people would type them. Raises 422 by field."""
    typed, faults = {}, {}
    for key, value in values.items():
        name = f"custom.{key}"
        try:
            typed[name] = form.fields[name].described.type.as_sent(value)
        except ValidationError as error:
            faults[name] = list(error.messages)
    if faults:
        raise invalid(faults)
    return typed


def _contacts(request: HttpRequest) -> Any:
    rows = Contact.objects.visible_to(signed_in(request))
    return rows.select_related("company").prefetch_related("phones", "emails", "tags")


def _companies(request: HttpRequest) -> Any:
    return Company.objects.visible_to(signed_in(request)).prefetch_related("tags")


def _may_add(request: HttpRequest) -> None:
    customer_rights.require_adding(signed_in(request))


@router.get("/contacts", response=answers(Page[ContactOut]), summary="Contacts, found by name, e-mail or phone")
@scope("read")
def contacts(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", q: str = "") -> Any:
    only(request, "q")
    rows = _contacts(request)
    return page_of(rows.found(q[:100]) if q else rows, contact_out, limit, cursor)


@router.post("/contacts", response=answers(ContactOut, 201), summary="Add a contact")
@scope("write")
@idempotent
def add_contact(request: HttpRequest, payload: ContactIn) -> Any:
    _may_add(request)
    made = _saved(request, ContactForm, Contact(), payload)
    return Status(201, contact_out(one(_contacts(request), made.pk)))


@router.get("/contacts/{pk}", response=answers(ContactOut), summary="One contact")
@scope("read")
def contact(request: HttpRequest, pk: Id) -> Any:
    only(request)
    return contact_out(one(_contacts(request), pk))


@router.patch("/contacts/{pk}", response=answers(ContactOut), summary="Change a contact; only what is sent")
@scope("write")
@idempotent
def change_contact(request: HttpRequest, pk: Id, payload: ContactChange) -> Any:
    _saved(request, ContactForm, one(_contacts(request), pk), payload)
    return contact_out(one(_contacts(request), pk))


@router.delete("/contacts/{pk}", response=answers(None, 204), summary="Delete a contact without cards, for good")
@scope("write")
def delete_contact(request: HttpRequest, pk: Id) -> Any:
    deleting.delete(one(_contacts(request), pk), by=signed_in(request))
    return Status(204, None)


@router.get("/companies", response=answers(Page[CompanyOut]), summary="Companies, found by name")
@scope("read")
def companies(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", q: str = "") -> Any:
    only(request, "q")
    rows = _companies(request)
    return page_of(rows.found(q[:100]) if q else rows, company_out, limit, cursor)


@router.post("/companies", response=answers(CompanyOut, 201), summary="Add a company")
@scope("write")
@idempotent
def add_company(request: HttpRequest, payload: CompanyIn) -> Any:
    _may_add(request)
    made = _saved(request, CompanyForm, Company(), payload)
    return Status(201, company_out(one(_companies(request), made.pk)))


@router.get("/companies/{pk}", response=answers(CompanyOut), summary="One company")
@scope("read")
def company(request: HttpRequest, pk: Id) -> Any:
    only(request)
    return company_out(one(_companies(request), pk))


@router.patch("/companies/{pk}", response=answers(CompanyOut), summary="Change a company; only what is sent")
@scope("write")
@idempotent
def change_company(request: HttpRequest, pk: Id, payload: CompanyChange) -> Any:
    _saved(request, CompanyForm, one(_companies(request), pk), payload)
    return company_out(one(_companies(request), pk))


@router.delete("/companies/{pk}", response=answers(None, 204), summary="Delete a company without cards, for good")
@scope("write")
def delete_company(request: HttpRequest, pk: Id) -> Any:
    deleting.delete(one(_companies(request), pk), by=signed_in(request))
    return Status(204, None)
