"""The item page: fields, stage bar, timeline, tasks, messages, tabs of upper layers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_POST

from crm import slots
from crm.board.forms.items import ItemForm
from crm.board.views import board as board_views
from crm.customers import merging
from crm.events import kinds as event_kinds
from crm.events.models import Event
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.ground.refused import Refused
from crm.items import customer_rights, customers
from crm.items.models.gate import NeedsInput, Stale
from crm.items.models.items import Item
from crm.items.timeline import rows_for
from crm.messages.forms.composer import FORMS, LABELS
from crm.messages.models.messages import MessageLink
from crm.notices.models.notifications import Notification
from crm.people.signed_in import signed_in
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.pipelines.models import BoardVersion, Stage

TIMELINE_PAGE = 50


def visible_item(request: HttpRequest, pk: int, action: str = "view") -> Item:
    """The item, with what its card shows. Raises Http404 for one the person may not see, Forbidden for the action."""
    rows = Item.objects.visible_to(signed_in(request)).select_related(
        "pipeline", "stage", "owner", "contact", "company", "item_type", "lost_reason"
    )
    rows = rows.prefetch_related("contact__phones", "contact__emails")  # read by two composers and the customer's block
    events = Event.objects.filter(item=OuterRef("pk"))
    rows = rows.annotate(
        last_event=Subquery(events.order_by("-pk").values("pk")[:1]),
        board=Subquery(BoardVersion.objects.filter(pipeline=OuterRef("pipeline")).values("version")[:1]),
        unread=Notification.unread_of(request.user.pk),
        has_pins=Exists(events.filter(pinned_at__isnull=False)),
    )
    found: Any = get_object_or_404(rows, pk=pk)
    if action != "view":
        found.require(signed_in(request), action)
    return found


@staff_of_ours
@require_GET
def item(request: HttpRequest, pk: int) -> HttpResponse:
    shown = visible_item(request, pk)
    if request.headers.get("HX-Request") and request.GET.get("v") == str(state_of(shown)):
        return HttpResponse(status=204)
    fragment = request.headers.get("HX-Request") and not request.headers.get("HX-Boosted")
    name = "items/_body.html" if fragment else "items/item.html"
    return render(request, name, page_context(request, shown, composing=_answering(request, shown)))


def _answering(request: HttpRequest, shown: Item) -> tuple[str, Any] | None:
    """?answer=7: the composer's e-mail as an answer to that mail of the customer."""
    number = id_of(request.GET.get("answer"))
    answered = shown.messages.filter(pk=number, direction="in", channel__medium="email").first() if number else None
    return ("email", FORMS["email"](shown, user=request.user, answered=answered)) if answered else None


def state_of(shown: Item) -> str:
    """What changes when the page would look different: the item, its last event, the board it is on."""
    return f"{shown.version}.{shown.last_event or 0}.{shown.board or 0}"  # type: ignore[attr-defined]  # the view's own query counts it


def page_context(
    request: HttpRequest,
    shown: Any,
    form: ItemForm | None = None,
    composing: tuple[str, Any] | None = None,
    tabs: dict[str, slots.ItemTab] | None = None,
) -> dict[str, Any]:
    """Everything on the card. `composing`: the composer's form that was refused, by its kind; `tabs`: such tabs."""
    user: Any = request.user
    machine = machine_of(shown.pipeline_id, version=shown.pipeline.machine_version)
    may = rights.allowed(user, machine, shown)
    shows_customer = customer_rights.shows(user, shown)
    made = [tab for tab in (make(shown, user) for make in slots.item_tabs) if tab is not None]
    shown_tabs = [(tabs or {}).get(tab.key, tab) for tab in made]
    for tab in shown_tabs:
        tab.html = render_to_string(tab.template, {**tab.context, "item": shown, "may": may}, request)
    ordered = machine.ordered()
    here = machine.position.get(shown.stage_id, -1)
    pinned = Event.objects.filter(item=shown, pinned_at__isnull=False)
    return {
        "item": shown,
        # The frame's bell, counted along with the item.
        "unread": shown.unread,
        "state": state_of(shown),
        "form": form or ItemForm(shown, user=user),
        "stages": [{"stage": stage, "passed": machine.position[stage.pk] < here} for stage in ordered],
        "hints": board_views.column_hints(machine),
        **timeline_context(request, shown),
        "pinned": rows_for(
            list(pinned.timeline()) if shown.has_pins else [], machine.fields, user, _tellable(request, shown)
        ),
        # The others' forms are asked for when somebody opens them.
        "composers": [
            {"kind": kind, "label": label, "form": _form_of(kind, shown, request.user, composing)}
            for kind, label in LABELS.items()
        ],
        "composing": composing[0] if composing else "note",
        "others": other_items(request, shown),
        "shows_customer": shows_customer,
        "typed": [] if shows_customer else customers.typed_for(shown),
        "twins": merging.duplicates_of(shown.contact, user) if shown.contact and shows_customer else [],
        "tasks": shown.tasks.open().select_related("assignee").order_by("deadline", "pk"),
        "messages_sent": _newest_messages(shown),
        "tabs": shown_tabs,
        "may": may,
        "nav": "board",
    }


def _newest_messages(shown: Item) -> Any:
    """With how often their links were followed."""
    clicks = MessageLink.objects.filter(message=OuterRef("pk")).order_by().values("message").annotate(sum=Sum("clicks"))
    rows = shown.messages.select_related("channel").defer("html").annotate(clicks=Subquery(clicks.values("sum")))
    return rows.order_by("-created_at")[:20]


def _form_of(kind: str, shown: Item, user: Any, composing: tuple[str, Any] | None) -> Any:
    if composing is not None and composing[0] == kind:
        return composing[1]
    return FORMS[kind](shown, user=user) if kind == "note" else None


# What of the timeline is shown: kinds of events by their beginning.
# Filters of the timeline; each kind of event says under which it stands.
SHOWS = {
    "": lazy("All"),
    "talk": lazy("Communication"),
    "notes": lazy("Notes"),
    "changes": lazy("Changes"),
    "automation": lazy("Automation"),
}


def timeline_context(request: HttpRequest, shown: Item) -> dict[str, Any]:
    """A page of the timeline, newest first, by filter (`show`) and from an event on (`before`, its id)."""
    show = request.GET.get("show", "")
    if show not in SHOWS:
        raise Http404
    events = Event.objects.filter(item=shown).timeline()
    if show == "automation":
        events = events.filter(cause_kind__in=("rule", "trigger", "system"))
    elif show:
        events = events.filter(kind__in=event_kinds.shown_under(show))
    before = id_of(request.GET.get("before"))
    if before:
        events = events.filter(pk__lt=before)
    page = list(events[: TIMELINE_PAGE + 1])
    return {
        "timeline": rows_for(page[:TIMELINE_PAGE], shown.machine().fields, request.user, _tellable(request, shown)),
        "older": page[TIMELINE_PAGE - 1].pk if len(page) > TIMELINE_PAGE else None,
        "show": show,
        "shows": list(SHOWS.items()),
    }


def _tellable(request: HttpRequest, shown: Item) -> set[str] | None:
    """Addresses that the card may name to its reader; None: all."""
    if customer_rights.shows(signed_in(request), shown):
        return None
    return {*customers.typed_on(shown, "email"), *customers.typed_on(shown, "phone")}


@staff_of_ours
@require_GET
def timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """Another filter, or older entries, as a fragment."""
    shown = visible_item(request, pk)
    return render(
        request,
        "items/_timeline.html",
        {
            "item": shown,
            "may": rights.allowed(signed_in(request), machine_of(shown.pipeline_id), shown),
            **timeline_context(request, shown),
        },
    )


def other_items(request: HttpRequest, shown: Item) -> list[Item]:
    """The customer's other items that the person may see, the newest first."""
    if shown.contact_id is None:
        return []
    rows = Item.objects.visible_to(signed_in(request)).filter(contact=shown.contact_id).exclude(pk=shown.pk)
    return list(rows.select_related("stage", "pipeline").order_by("-created_at")[:10])


@staff_of_ours
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Fields of the left side. Bad input: the same page with what was typed and an error at each field."""
    shown = visible_item(request, pk, "edit")
    if request.method != "POST":
        return render(request, "items/edit.html", {**page_context(request, shown), "editing": True})
    form = ItemForm(shown, request.POST, user=signed_in(request))
    if form.is_valid():
        try:
            shown.change(form.values(), by=signed_in(request), version=form.cleaned_data["version"])
            return redirect("item", pk)
        except Stale as stale:
            form.add_error(
                None, stale.sentence + " " + _("Your values are still in the form; saving again keeps them.")
            )
            # The next save is made on top of what the person has now been told.
            data: Any = form.data
            form.data = data = data.copy()
            data["version"] = str(stale.item.version)
        except Refused as refused:
            form.add_error(None, refused.sentence)
    return render(request, "items/edit.html", {**page_context(request, shown, form), "editing": True}, status=422)


@staff_of_ours
@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """The stage bar: a page-level form, so that it works without scripts too."""
    shown = visible_item(request, pk)
    stage = Stage.objects.filter(pk=id_of(request.POST.get("to")) or 0).first()
    if stage is None:
        raise Http404
    try:
        moved = board_views.make_move(request, shown, stage)
    except NeedsInput as needs:
        if request.headers.get("HX-Request"):
            return board_views.ask(request, needs)
        return render(request, "items/needs.html", board_views.asked_for(request, needs) | {"nav": "board"}, status=422)
    except Refused as refused:
        if request.headers.get("HX-Request"):
            return board_views.refusal(request, refused.sentence, refused.status)
        messages.error(request, refused.sentence)
    if request.headers.get("HX-Request"):
        return render(request, "board/_moved.html", board_views.told(machine_of(shown.pipeline_id), stage.pk, [moved]))
    return redirect("item", pk)


@staff_of_ours
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    shown = visible_item(request, pk)
    shown.delete_softly(by=signed_in(request))
    messages.success(request, _("“%s” was moved to the recycle bin.") % shown.title)
    return redirect("board", shown.pipeline_id)
