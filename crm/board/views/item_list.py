"""The list: the same items and the same filter as the board, as rows; several changed at once; saved views; export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from crm.board.forms.filters import FilterForm, SavedViewForm
from crm.board.views import board, moves
from crm.ground import clock, sorting, tables
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.ground.refused import Forbidden, Refused
from crm.ground.shown import beside
from crm.items import customer_rights
from crm.items.filters import FALLING, ItemFilter, custom_fields
from crm.items.models.items import Item
from crm.items.models.profit import Profit, profit_of
from crm.items.models.saved_views import SavedView
from crm.people.models import User
from crm.people.signed_in import signed_in
from crm.pipelines import rights
from crm.pipelines.machine import Machine
from crm.pipelines.roles import sees_profit

PAGE = 50
HEADS = (
    ("title", lazy("Title"), ""),
    ("customer", lazy("Customer"), ""),
    ("stage", lazy("Stage"), ""),
    ("amount", lazy("Amount"), "text-end"),
    ("profit", lazy("Profit"), "text-end"),
    ("owner", lazy("Owner"), ""),
    ("attention", lazy("Next"), ""),
    ("due", lazy("Expected on"), ""),
    ("age", lazy("In stage"), ""),
)


@staff_of_ours
@require_GET
def item_list(request: HttpRequest, pk: int) -> HttpResponse:
    machine = board.machine_for(request, pk)
    shown = board.asked(request, machine)
    # Ids first: sorting 100 000 rows with what is joined to them takes four times as long.
    page = Paginator(filtered(request, machine, shown).values_list("pk", flat=True), PAGE).get_page(
        request.GET.get("page")
    )
    wanted = list(page.object_list)
    known = Item.objects.select_related("contact", "company", "owner", "stage").in_bulk(wanted)
    # A column of its own, where anything is known and the person sees it.
    earned = Profit.objects.in_bulk(wanted) if sees_profit(signed_in(request)) else {}
    for item in known.values():
        item.earned = earned.get(item.pk)
    page.object_list = [known[pk] for pk in wanted if pk in known]
    context = {
        "page": page,
        "stages": machine.ordered(),
        "people": User.objects.filter(is_active=True).order_by("name"),
        "with_profit": bool(earned),
        "heads": sorting.heads(
            [head for head in HEADS if earned or head[0] != "profit"], FALLING, shown.sort, shown.pairs()
        ),
        **board.bar(request, machine, shown, "list"),
    }
    return render(request, "board/list.html", context)


def filtered(request: HttpRequest, machine: Machine, shown: ItemFilter, action: str = "view") -> Any:
    """Items of the filter in its order; by hand means nothing in a list, so the newest first there."""
    rows = shown.apply(board.seen_items(machine, signed_in(request), action), signed_in(request))
    order = shown.order if shown.sort else ("-pk",)
    return rows.order_by(*order)


# ---------------------------------------------------------------------- several at once


@staff_of_ours
@require_POST
def bulk(request: HttpRequest, pk: int) -> HttpResponse:
    """Move, give or delete the ticked rows; what rules would do is said first and has to be confirmed."""
    machine = board.machine_for(request, pk)
    items = moves.items_of(request, machine)
    back = request.POST.get("back", "")
    target = back if back.startswith(reverse("board-list", args=[pk])) else reverse("board-list", args=[pk])
    verb, _colon, value = request.POST.get("act", "").partition(":")
    work = {"move": _move, "owner": _give, "delete": _delete}.get(verb)
    if work is None or not items:
        messages.error(request, _("Tick some rows, and choose what to do with them."))
        return redirect(target)
    stage = machine.stages.get(id_of(value) or 0) if verb == "move" else None
    if verb != "owner" and not request.POST.get("sure"):
        context = {
            "items": items,
            "stage": stage,
            "hint": board.column_hints(machine).get(stage.pk) if stage else "",
            "act": request.POST["act"],
            "back": target,
            "pipeline": machine.pipeline,
            "configures": rights.configures(signed_in(request), machine),
            "nav": "board",
        }
        return render(request, "board/sure.html", context)
    done, faults = work(request, machine, items, value)
    if done:
        messages.success(request, ngettext("%(n)d card was changed.", "%(n)d cards were changed.", done) % {"n": done})
    for fault in faults[:5]:
        messages.error(request, fault)
    if len(faults) > 5:
        more = len(faults) - 5
        messages.error(request, ngettext("%d more card was refused.", "%d more cards were refused.", more) % more)
    return redirect(target)


Outcome = tuple[int, list[str]]


def _move(request: HttpRequest, machine: Machine, items: list[Item], value: str) -> Outcome:
    stage = machine.stages.get(id_of(value) or 0)
    if stage is None:
        return 0, [_("This stage does not exist any more.")]
    moved, faults = moves.move_all(request, items, stage)
    return len(moved), faults


def _give(request: HttpRequest, machine: Machine, items: list[Item], value: str) -> Outcome:
    owner = User.objects.filter(is_active=True, pk=id_of(value) or 0).first()
    if owner is None:
        return 0, [_("This person is not active any more.")]
    return _each(items, lambda item: item.change({"owner": owner}, by=request.user))


def _delete(request: HttpRequest, machine: Machine, items: list[Item], value: str) -> Outcome:
    return _each(items, lambda item: item.delete_softly(by=request.user))


def _each(items: list[Item], work: Any) -> Outcome:
    done, faults = 0, []
    for item in items:
        try:
            work(item)
            done += 1
        except Refused as refused:
            faults.append(beside(item.title, refused.sentence))
    return done, faults


# ---------------------------------------------------------------------- filter panel and saved views


@staff_of_ours
@require_GET
def filter_panel(request: HttpRequest, pk: int) -> HttpResponse:
    """Filled when it is opened, so that a board does not ask for people and tags that nobody looks at."""
    machine = board.machine_for(request, pk)
    shown = board.asked(request, machine)
    views = SavedView.objects.visible_to(signed_in(request)).filter(pipeline=machine.pipeline)
    context = {
        "pipeline": machine.pipeline,
        "filter": shown,
        "filter_form": FilterForm(shown, machine.pipeline, signed_in(request)),
        "views": views.select_related("owner"),
        "view_form": SavedViewForm(),
        "layout": "list" if request.GET.get("panel") == "list" else "board",
        "nav": "board",
    }
    whole = "board/_filter.html" if request.headers.get("HX-Request") else "board/filter.html"
    return render(request, whole, context)


@staff_of_ours
@require_POST
def save_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the filter under a name; the same name again replaces it."""
    machine = board.machine_for(request, pk)
    shown = board.asked(request, machine)
    form = SavedViewForm(request.POST)
    layout = "list" if request.POST.get("layout") == "list" else "board"
    if not form.is_valid():
        messages.error(request, _("Please give the view a name of at most 60 characters."))
    else:
        name = form.cleaned_data["name"]
        SavedView.objects.update_or_create(
            owner=signed_in(request),
            pipeline=machine.pipeline,
            name=name,
            defaults={"query": shown.query, "layout": layout, "shared": form.cleaned_data["shared"]},
        )
        messages.success(request, _("The view “%s” is kept under Filter.") % name)
    return redirect(f"{reverse('board-list' if layout == 'list' else 'board', args=[pk])}?{shown.query}")


@staff_of_ours
@require_POST
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """One's own; administrators also those of others that are shared."""
    view = SavedView.objects.visible_to(signed_in(request)).filter(pk=pk).first()
    if view is None or (view.owner_id != request.user.pk and not request.user.is_superuser):
        raise Http404
    view.delete()
    messages.success(request, _("The view “%s” was deleted.") % view.name)
    return redirect("board", view.pipeline_id)


# ---------------------------------------------------------------------- export


@staff_of_ours
@require_GET
def export(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """The filter's items as CSV, streamed row by row, or as XLSX."""
    machine = board.machine_for(request, pk)
    if kind not in ("csv", "xlsx"):
        raise Http404
    if not rights.allows(signed_in(request), machine, "export"):
        raise Forbidden(rights.REFUSALS["export"])
    shown = board.asked(request, machine)
    # Streamed after the middleware has put the server's own zone back: what depends on it is settled now.
    rows, zone = filtered(request, machine, shown, "export"), timezone.get_current_timezone()
    day = timezone.localdate(clock.now()).isoformat()
    return tables.answer(_lines(request.user, machine, rows), f"{machine.pipeline.pk}-{day}", kind, zone)


def _lines(user: Any, machine: Machine, rows: Any) -> Iterator[list[Any]]:
    customs = [row.field for row in custom_fields(machine.pipeline)]
    exporters = [(field.key, field.type.exporter()) for field in customs]
    heads = [
        "#",
        _("id elsewhere"),
        _("title"),
        _("stage"),
        _("customer"),
        _("phone"),
        _("e-mail"),
        _("company"),
        _("owner"),
    ]
    heads += [_("amount"), _("currency"), _("source"), _("in stage since"), _("created at"), _("closed at")]
    with_profit = sees_profit(user)
    if with_profit:
        heads += [_("net"), _("costs"), _("profit"), _("margin, %")]
    yield heads + [field.label for field in customs]
    rows = rows.select_related("contact", "company", "owner", "stage", *(("profit",) if with_profit else ()))
    rows = rows.prefetch_related("contact__phones", "contact__emails")
    for item in rows.iterator(chunk_size=1000):
        contact = item.contact if customer_rights.shows(user, item) else None
        name = item.contact.name if item.contact else ""
        phone = contact.phones.all()[0].number if contact and contact.phones.all() else ""
        email = contact.emails.all()[0].address if contact and contact.emails.all() else ""
        cells = [item.pk, item.external_id, item.title, item.stage.name, name, phone, email]
        cells += [item.company.name if item.company else "", item.owner.name if item.owner else ""]
        cells += [item.amount, item.currency, item.source, item.stage_entered_at, item.created_at, item.closed_at]
        if with_profit:
            earned = profit_of(item)
            cells += [earned.net, earned.costs, earned.amount, earned.margin] if earned else [None] * 4
        yield cells + [exported(item.custom.get(key)) for key, exported in exporters]
