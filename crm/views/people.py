"""Contacts and companies: lists, pages, editing, merging."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_POST

from crm import clock, customer_rights, customers, merging, phones, slots, tables
from crm.access import staff_of_ours
from crm.folding import fold
from crm.forms.people import CompanyForm, ContactForm
from crm.models import Company, Contact, CustomField, Event, Forbidden, Item, Refusal, Refused
from crm.models.org import OwnCompany
from crm.views.board import number
from crm.views.timeline import rows_for

PAGE = 50


@dataclass(frozen=True)
class Directory:
    """What contacts and companies differ in on their pages."""

    name: str
    model: Any
    form: Any
    plural: Any
    new: Any
    linked: str  # the item's field that points here


CONTACTS = Directory("contact", Contact, ContactForm, lazy("Contacts"), lazy("New contact"), "contact")
COMPANIES = Directory("company", Company, CompanyForm, lazy("Companies"), lazy("New company"), "company")
DIRECTORIES = {"contacts": CONTACTS, "companies": COMPANIES}


def _directory(kind: str) -> Directory:
    if kind not in DIRECTORIES:
        raise Http404
    return DIRECTORIES[kind]


def _found(request: HttpRequest, directory: Directory, pk: int) -> Any:
    return get_object_or_404(directory.model.objects.visible_to(request.user), pk=pk)


def _may(user: Any, record: Any = None) -> set[str]:
    """What the person may do with this customer, or with some: what a page offers."""
    if record is None:
        return {action for action in customer_rights.ACTIONS if customer_rights.scope_of(user, action)}
    return {action for action in customer_rights.ACTIONS if customer_rights.allows(user, action, record)}


@staff_of_ours
@require_GET
def people(request: HttpRequest, kind: str) -> HttpResponse:
    directory = _directory(kind)
    text = request.GET.get("q", "").strip()[:100]
    rows = directory.model.objects.visible_to(request.user)
    if text:
        rows = rows.found(text)
    rows = rows.order_by("search_key", "pk")
    if directory is CONTACTS:
        rows = rows.select_related("company", "owner").prefetch_related("phones", "emails")
    else:
        rows = rows.select_related("owner")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    query = urlencode({"q": text}) if text else ""
    context = {"page": page, "directory": directory, "kind": kind, "q": text, "query": query, "nav": kind}
    context["may"] = _may(request.user)
    return render(request, "people/list.html", context)


@staff_of_ours
@require_GET
def export(request: HttpRequest, kind: str, form: str) -> HttpResponseBase:
    """What the list shows, as CSV or XLSX."""
    directory = _directory(kind)
    if form not in ("csv", "xlsx"):
        raise Http404
    if "export" not in _may(request.user):
        raise Forbidden(customer_rights.REFUSALS["export"])
    text = request.GET.get("q", "").strip()[:100]
    rows = directory.model.objects.open_to(request.user, "export")
    rows = (rows.found(text) if text else rows).order_by("search_key", "pk")
    day = timezone.localdate(clock.now()).isoformat()
    lines = _contact_lines(rows) if directory is CONTACTS else _company_lines(rows)
    return tables.answer(lines, f"{kind}-{day}", form, timezone.get_current_timezone())


def _contact_lines(rows: Any) -> Iterator[list[Any]]:
    customs = list(CustomField.objects.filter(target="contact").order_by("order", "pk"))
    heads = ["#", _("name"), _("phone"), _("e-mail"), _("company"), _("language"), _("owner"), _("tags")]
    yield [*heads, _("created at"), *(field.label for field in customs)]
    rows = rows.select_related("company", "owner").prefetch_related("phones", "emails", "tags")
    for row in rows.iterator(chunk_size=1000):
        phones = "; ".join(phone.number for phone in row.phones.all())
        emails = "; ".join(email.address for email in row.emails.all())
        tags = ", ".join(tag.name for tag in row.tags.all())
        cells = [row.pk, row.name, phones, emails, row.company.name if row.company else "", row.language]
        cells += [row.owner.name if row.owner else "", tags, row.created_at]
        yield cells + [row.custom.get(field.key) for field in customs]


def _company_lines(rows: Any) -> Iterator[list[Any]]:
    customs = list(CustomField.objects.filter(target="company").order_by("order", "pk"))
    heads = ["#", _("name"), _("tax number"), _("phone"), _("e-mail"), _("address"), _("owner"), _("tags")]
    yield [*heads, _("created at"), *(field.label for field in customs)]
    for row in rows.select_related("owner").prefetch_related("tags").iterator(chunk_size=1000):
        tags = ", ".join(tag.name for tag in row.tags.all())
        cells = [row.pk, row.name, row.tax_number, row.phone, row.email, row.address]
        cells += [row.owner.name if row.owner else "", tags, row.created_at]
        yield cells + [row.custom.get(field.key) for field in customs]


@staff_of_ours
@require_GET
def suggest(request: HttpRequest) -> HttpResponse:
    """Contacts for quick create: names, with a way to tell two of one name apart."""
    text = request.GET.get("customer", "").strip()[:100]
    rows = Contact.objects.none()
    if len(text) >= 2:
        rows = Contact.objects.visible_to(request.user).found(text).prefetch_related("phones", "emails")  # type: ignore[arg-type]
    return render(request, "people/_suggest.html", {"contacts": rows.order_by("search_key", "pk")[:8]})


@staff_of_ours
def person(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """The page of one contact or company: POST saves; bad input shows the page with what was typed."""
    directory = _directory(kind)
    record = _found(request, directory, pk)
    user: Any = request.user
    form = directory.form(record, request.POST or None, user=user)
    status = 200
    if request.method == "POST":
        customer_rights.require(user, "edit", record)
        if form.is_valid():
            form.save()
            messages.success(request, _("Saved."))
            return redirect(directory.name, record.pk)
        status = 422
        record = _found(request, directory, pk)
    may = _may(user, record)
    if "edit" not in may:
        for field in form.fields.values():
            field.disabled = True
    items = Item.objects.visible_to(user).filter(**{directory.linked: record})
    context = {
        "record": record,
        "form": form,
        "directory": directory,
        "kind": kind,
        "items": items.select_related("stage", "pipeline", "owner").order_by("-created_at")[:50],
        "may": may,
        "duplicates": merging.duplicates_of(record, user, "merge") if "merge" in may else [],
        "nav": kind,
        "refusals": _refusals(user, record) if directory is CONTACTS else [],
        "new_addresses": _new_addresses(record) if directory is CONTACTS else [],
        "people": _people_of(user, record) if directory is COMPANIES else [],
        "timeline": _timeline(request, record) if directory is CONTACTS else [],
    }
    return render(request, "people/person.html", context, status=status)


def _refusals(user: Any, contact: Contact) -> list[Refusal]:
    """With the card of the message that brought each, where the person sees it."""
    rows = list(Refusal.objects.of(contact))
    items = {row.message.item_id for row in rows if row.message is not None and row.message.item_id}
    seen = set(Item.objects.visible_to(user).filter(pk__in=items).values_list("pk", flat=True))
    for row in rows:
        row.shows_item = row.message is not None and row.message.item_id in seen
    return rows


def _new_addresses(contact: Contact) -> list[Any]:
    asked = contact.phones.filter(Q(is_new=True) | Q(is_unchecked=True) | Q(is_from_form=True))
    # A stranger's number of a country that is listed needs nobody's word.
    numbers = []
    for row in asked:
        row.is_from_form &= not OwnCompany.texts_to_strangers_in(phones.region_of(row.number))
        if row.is_new or row.is_unchecked or row.is_from_form:
            numbers.append(row)
    return [*contact.emails.filter(is_new=True), *numbers]


def _people_of(user: Any, company: Company) -> list[Contact]:
    return list(Contact.objects.visible_to(user).filter(company=company).order_by("search_key")[:50])


def _timeline(request: HttpRequest, contact: Contact) -> list[dict[str, Any]]:
    """The contact's events, those of cards that the person does not see left out."""
    seen = Q(item__isnull=True) | Q(item__in=Item.objects.visible_to(request.user))  # type: ignore[arg-type]
    events = Event.objects.filter(seen, contact=contact).select_related("item").timeline()  # type: ignore[attr-defined]
    return rows_for(list(events[:30]), user=request.user)


@staff_of_ours
def new(request: HttpRequest, kind: str) -> HttpResponse:
    directory = _directory(kind)
    user: Any = request.user
    customer_rights.require_adding(user)
    form = directory.form(directory.model(), request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        record = form.save()
        messages.success(request, _("“%s” was added.") % record.name)
        return redirect(directory.name, record.pk)
    status = 422 if request.method == "POST" else 200
    return render(
        request, "people/new.html", {"form": form, "directory": directory, "kind": kind, "nav": kind}, status=status
    )


@staff_of_ours
def merge(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Field by field: the left one stays; `other` (an id, or a text to find it by) goes into it."""
    directory = _directory(kind)
    keep = _found(request, directory, pk)
    user: Any = request.user
    customer_rights.require(user, "merge", keep)
    within = directory.model.objects.open_to(user, "merge")
    asked = request.POST.get("other") or request.GET.get("other", "")
    other = within.filter(pk=number(asked) or 0).exclude(pk=pk).first()
    if other is None:
        text = request.GET.get("q", "").strip()[:100]
        found = within.found(text).exclude(pk=pk)[:20] if text else []
        choices = [*merging.duplicates_of(keep, user, "merge"), *found]
        context = {"keep": keep, "choices": choices, "directory": directory, "kind": kind, "q": text, "nav": kind}
        return render(request, "people/merge_pick.html", context)
    if request.method == "POST":
        chosen = {
            name: _value(other, name) for name in _names(directory, keep, other) if request.POST.get(name) == "other"
        }
        try:
            kept = merging.merge(keep, other, chosen, by=user)
        except merging.CannotMerge as refused:
            messages.error(request, str(refused))
            return redirect(directory.name, pk)
        messages.success(request, _("“%(gone)s” was merged into “%(kept)s”.") % {"gone": other.name, "kept": kept.name})
        return redirect(directory.name, kept.pk)
    rows = []
    for name in _names(directory, keep, other):
        rows.append(
            {"name": name, "label": _label(directory, name), "mine": _value(keep, name), "theirs": _value(other, name)}
        )
    context = {"keep": keep, "other": other, "rows": rows, "directory": directory, "kind": kind, "nav": kind}
    return render(request, "people/merge.html", context)


def _names(directory: Directory, keep: Any, other: Any) -> list[str]:
    """Fields in which the two differ."""
    keys = sorted({*keep.custom, *other.custom})
    names = [*merging.FIELDS[directory.model], *(f"custom.{key}" for key in keys)]
    return [name for name in names if _value(keep, name) != _value(other, name)]


def _value(record: Any, name: str) -> Any:
    return record.custom.get(name[7:]) if name.startswith("custom.") else getattr(record, name)


def _label(directory: Directory, name: str) -> str:
    return name[7:] if name.startswith("custom.") else str(directory.model._meta.get_field(name).verbose_name)


@staff_of_ours
@require_POST
def delete(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """For good; refused in words while cards hang on it."""
    directory = _directory(kind)
    record = _found(request, directory, pk)
    try:
        customers.delete(record, by=request.user)  # type: ignore[arg-type]
    except Forbidden:
        raise
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect(directory.name, pk)
    messages.success(request, _("“%s” was deleted.") % record.name)
    return redirect(kind)


@staff_of_ours
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Everything at once: cards, contacts, companies; accents and case ignored, numbers of phones too."""
    text = request.GET.get("q", "").strip()[:100]
    groups: list[tuple[str, str, list[Any]]] = []
    if len(fold(text)) >= 2:
        user: Any = request.user
        items = Item.objects.visible_to(user).found(text).select_related("stage", "contact", "pipeline")
        contacts = Contact.objects.visible_to(user).found(text).prefetch_related("phones", "emails")
        companies = Company.objects.visible_to(user).found(text)
        groups = [
            ("item", _("Cards"), list(items.order_by("-last_activity_at")[:20])),
            ("contact", _("Contacts"), list(contacts.order_by("search_key")[:20])),
            ("company", _("Companies"), list(companies.order_by("search_key")[:20])),
            *(found_by(user, text) for found_by in slots.search_groups),
        ]
    found = sum(len(rows) for _kind, _label, rows in groups)
    fragment = bool(request.headers.get("HX-Request"))
    context = {"q": text, "groups": groups, "found": found, "nav": "search", "search_url": reverse("search")}
    return render(request, "search/_results.html" if fragment else "search/search.html", context)
