"""Contacts and companies: lists, pages, editing, merging."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_POST

from crm.customers import deleting, merging
from crm.customers.filter import FALLING, CustomerFilter
from crm.customers.forms.filters import CustomerFilterForm
from crm.customers.forms.people import CompanyForm, ContactForm
from crm.ground import clock, sorting, tables
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.ground.refused import Forbidden, Refused
from crm.items import customer_rights
from crm.people.models import Company, Contact
from crm.people.signed_in import signed_in
from crm.pipelines.custom_fields import CustomField

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
# Heads of the lists: name of the order, label, class.
HEADS = {
    "contacts": (
        ("name", lazy("Name"), ""),
        ("", lazy("Phone"), ""),
        ("", lazy("E-mail"), ""),
        ("company", lazy("Company"), ""),
        ("owner", lazy("Owner"), ""),
        ("newest", lazy("Created"), ""),
    ),
    "companies": (
        ("name", lazy("Name"), ""),
        ("tax_number", lazy("Tax number"), ""),
        ("", lazy("Phone"), ""),
        ("", lazy("E-mail"), ""),
        ("owner", lazy("Owner"), ""),
        ("newest", lazy("Created"), ""),
    ),
}
DIRECTORIES = {"contacts": CONTACTS, "companies": COMPANIES}


def directory_of(kind: str) -> Directory:
    if kind not in DIRECTORIES:
        raise Http404
    return DIRECTORIES[kind]


def found_of(request: HttpRequest, directory: Directory, pk: int) -> Any:
    return get_object_or_404(directory.model.objects.visible_to(request.user), pk=pk)


def may_do(user: Any, record: Any = None) -> set[str]:
    """What the person may do with this customer, or with some: what a page offers."""
    if record is None:
        return {action for action in customer_rights.ACTIONS if customer_rights.scope_of(user, action)}
    return {action for action in customer_rights.ACTIONS if customer_rights.allows(user, action, record)}


@staff_of_ours
@require_GET
def people(request: HttpRequest, kind: str) -> HttpResponse:
    directory = directory_of(kind)
    user: Any = request.user
    shown = CustomerFilter.read(request.GET, directory.model)
    rows = shown.apply(directory.model.objects.visible_to(user), user)
    if directory is CONTACTS:
        rows = rows.select_related("company", "owner").prefetch_related("phones", "emails")
    else:
        rows = rows.select_related("owner")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "directory": directory,
        "kind": kind,
        "filter": shown,
        "chips": shown.chips(),
        "heads": sorting.heads(HEADS[kind], FALLING, shown.sort or "name", shown.pairs()),
        "nav": kind,
        "may": may_do(user),
    }
    return render(request, "people/list.html", context)


@staff_of_ours
@require_GET
def filter_panel(request: HttpRequest, kind: str) -> HttpResponse:
    """Filled when it is opened, so that a list does not ask for people and tags that nobody looks at."""
    directory = directory_of(kind)
    if "view" not in may_do(request.user):
        raise Http404  # it offers colleagues and tags
    shown = CustomerFilter.read(request.GET, directory.model)
    context = {"filter_form": CustomerFilterForm(shown), "filter": shown, "kind": kind, "nav": kind}
    whole = "people/_filter.html" if request.headers.get("HX-Request") else "people/filter.html"
    return render(request, whole, context)


@staff_of_ours
@require_GET
def export(request: HttpRequest, kind: str, form: str) -> HttpResponseBase:
    """What the list shows, as CSV or XLSX."""
    directory = directory_of(kind)
    user: Any = request.user
    if form not in ("csv", "xlsx"):
        raise Http404
    if "export" not in may_do(user):
        raise Forbidden(customer_rights.REFUSALS["export"])
    shown = CustomerFilter.read(request.GET, directory.model)
    rows = shown.apply(directory.model.objects.open_to(user, "export"), user)
    day = timezone.localdate(clock.now()).isoformat()
    lines = _contact_lines(rows) if directory is CONTACTS else _company_lines(rows)
    return tables.answer(lines, f"{kind}-{day}", form, timezone.get_current_timezone())


def _contact_lines(rows: Any) -> Iterator[list[Any]]:
    customs = [row.field for row in CustomField.objects.filter(target="contact").order_by("order", "pk")]
    exporters = [(field.key, field.type.exporter()) for field in customs]
    heads = ["#", _("name"), _("phone"), _("e-mail"), _("company"), _("language"), _("owner"), _("tags")]
    yield [*heads, _("created at"), *(field.label for field in customs)]
    rows = rows.select_related("company", "owner").prefetch_related("phones", "emails", "tags")
    for row in rows.iterator(chunk_size=1000):
        phones = "; ".join(phone.number for phone in row.phones.all())
        emails = "; ".join(email.address for email in row.emails.all())
        tags = ", ".join(tag.name for tag in row.tags.all())
        cells = [row.pk, row.name, phones, emails, row.company.name if row.company else "", row.language]
        cells += [row.owner.name if row.owner else "", tags, row.created_at]
        yield cells + [exported(row.custom.get(key)) for key, exported in exporters]


def _company_lines(rows: Any) -> Iterator[list[Any]]:
    customs = [row.field for row in CustomField.objects.filter(target="company").order_by("order", "pk")]
    exporters = [(field.key, field.type.exporter()) for field in customs]
    heads = ["#", _("name"), _("tax number"), _("phone"), _("e-mail"), _("address"), _("owner"), _("tags")]
    yield [*heads, _("created at"), *(field.label for field in customs)]
    for row in rows.select_related("owner").prefetch_related("tags").iterator(chunk_size=1000):
        tags = ", ".join(tag.name for tag in row.tags.all())
        cells = [row.pk, row.name, row.tax_number, row.phone, row.email, row.address]
        cells += [row.owner.name if row.owner else "", tags, row.created_at]
        yield cells + [exported(row.custom.get(key)) for key, exported in exporters]


@staff_of_ours
@require_GET
def suggest(request: HttpRequest) -> HttpResponse:
    """Contacts for quick create: names, with a way to tell two of one name apart."""
    text = request.GET.get("customer", "").strip()[:100]
    rows = Contact.objects.none()
    if len(text) >= 2:
        rows = Contact.objects.visible_to(signed_in(request)).found(text).prefetch_related("phones", "emails")
    return render(request, "people/_suggest.html", {"contacts": rows.order_by("search_key", "pk")[:8]})


@staff_of_ours
def new(request: HttpRequest, kind: str) -> HttpResponse:
    directory = directory_of(kind)
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
    directory = directory_of(kind)
    keep = found_of(request, directory, pk)
    user: Any = request.user
    customer_rights.require(user, "merge", keep)
    within = directory.model.objects.open_to(user, "merge")
    asked = request.POST.get("other") or request.GET.get("other", "")
    other = within.filter(pk=id_of(asked) or 0).exclude(pk=pk).first()
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
    directory = directory_of(kind)
    record = found_of(request, directory, pk)
    try:
        deleting.delete(record, by=signed_in(request))
    except Forbidden:
        raise
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect(directory.name, pk)
    messages.success(request, _("“%s” was deleted.") % record.name)
    return redirect(kind)
