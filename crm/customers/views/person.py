"""The page of one contact or company: what can be done, history, cards, papers, money; its fields have a page of their own."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from crm import slots
from crm.company.models import OwnCompany
from crm.customers import merging
from crm.customers.forms.people import CardOfCustomer
from crm.customers.views.lists import COMPANIES, CONTACTS, Directory, directory_of, found_of, may_do
from crm.events.models import Event
from crm.ground import phones
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.ground.refused import Refused
from crm.items import converting, customer_rights
from crm.items.models.items import Item
from crm.items.timeline import rows_for
from crm.messages.forms.composer import FORMS, LABELS
from crm.messages.models.refusals import Refusal
from crm.people import exceptions
from crm.people.models import Contact
from crm.people.signed_in import signed_in
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.pipelines.models import Pipeline, StageKind

CARDS, PAGE = 50, 30


@staff_of_ours
@require_GET
def person(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """`card`: the one that the composer writes on; by default the customer's newest open one."""
    return _page(request, directory_of(kind), kind, pk)


def written_page(request: HttpRequest, kind: str, pk: int, card: Item, composer: str, form: Any) -> HttpResponse:
    """The page again, with what was written on one of its cards and refused."""
    return _page(request, directory_of(kind), kind, pk, refused=(card, composer, form))


def _page(
    request: HttpRequest,
    directory: Directory,
    kind: str,
    pk: int,
    card_form: CardOfCustomer | None = None,
    refused: tuple[Item, str, Any] | None = None,
) -> HttpResponse:
    record = found_of(request, directory, pk)
    user: Any = request.user
    may = may_do(user, record)
    cards = Item.objects.visible_to(user).filter(**{directory.linked: record})
    every = list(cards.select_related("stage", "pipeline", "owner", "item_type").order_by("-created_at"))
    every.sort(key=lambda card: not _is_open(card))
    parts = [part for part in (make(record, cards, user) for make in slots.customer_parts) if part is not None]
    for part in parts:
        part.html = render_to_string(part.template, {**part.context, "record": record}, request)
    context = {
        "record": record,
        "directory": directory,
        "kind": kind,
        # A form shows its fields as they are kept: labels and values of all of them, own ones too.
        "form": directory.form(record, user=user),
        "cards": every[:CARDS],
        "more_cards": max(len(every) - CARDS, 0),
        "sums": _sums(every),
        "parts": parts,
        "may": may,
        "duplicates": merging.duplicates_of(record, user, "merge") if "merge" in may else [],
        "nav": kind,
        "exceptions_url": _exceptions_url(user, record) if directory is CONTACTS else "",
        "refusals": _refusals(user, record) if directory is CONTACTS else [],
        "new_addresses": _new_addresses(record) if directory is CONTACTS else [],
        "people": _people_of(user, record) if directory is COMPANIES else [],
        "card_form": card_form or _card_form(user, record, directory),
        "opens_card": card_form is not None,
        **_composer(request, every, refused),
        **_history(request, record, directory, cards),
    }
    return render(request, "people/person.html", context, status=422 if card_form is not None or refused else 200)


def _is_open(card: Item) -> bool:
    return bool(card.stage.is_open and not card.pipeline.is_archived)


def _composer(request: HttpRequest, cards: list[Item], refused: tuple[Item, str, Any] | None) -> dict[str, Any]:
    """Messages, notes and tasks belong to a card: the chosen one, or the first that the person may change.

    Args:
        cards: open ones first.
        refused: card, kind of composer and its form, which was refused.
    """
    user: Any = request.user
    mine = [
        card
        for card in cards
        if rights.allows(user, machine_of(card.pipeline_id, version=card.pipeline.machine_version), "edit", card)
    ][:CARDS]
    asked = id_of(request.GET.get("card"))
    on = refused[0] if refused else next((card for card in mine if card.pk == asked), mine[0] if mine else None)
    if on is None:
        return {"item": None}
    composing = refused[1] if refused else request.GET.get("write", "")
    composing = composing if composing in LABELS else "note"
    form = refused[2] if refused else FORMS[composing](on, user=user)
    tabs = [(kind, label, form if kind == composing else None) for kind, label in LABELS.items()]
    return {
        "item": on,
        "writable": mine,
        "composing": composing,
        "composers": [{"kind": kind, "label": label, "form": made} for kind, label, made in tabs],
    }


def _sums(cards: list[Item]) -> list[tuple[str, Decimal, Decimal]]:
    """By currency: open and won. What was made of another card (an invoice of its deal, a deal of its lead) counts once."""
    leads = {card.pk for card in cards if converting.is_lead(card)}
    others = {card.pk for card in cards} - leads
    found: dict[str, list[Decimal]] = {}
    for card in cards:
        counts = card.parent_id not in others and not (card.pk in leads and not card.stage.is_open)
        if counts and card.amount is not None and (_is_open(card) or card.stage.kind == StageKind.WON):
            pair = found.setdefault(card.currency, [Decimal(0), Decimal(0)])
            pair[card.stage.kind == StageKind.WON] += card.amount
    return [(currency, pair[0], pair[1]) for currency, pair in sorted(found.items())]


def _card_form(user: Any, record: Any, directory: Directory, data: Any = None) -> CardOfCustomer | None:
    rows = Pipeline.objects.in_use().visible_to(user).select_related("item_type")
    pipelines = [
        pipeline
        for pipeline in rows
        if rights.allows(user, machine_of(pipeline.pk, version=pipeline.machine_version), "add")
    ]
    pipelines.sort(key=lambda pipeline: not pipeline.is_default)
    return CardOfCustomer(pipelines, data, title=record.name) if pipelines else None


@staff_of_ours
@require_http_methods(["POST"])
def new_card(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """A new card of the customer; the rules of its stage start."""
    directory = directory_of(kind)
    record = found_of(request, directory, pk)
    user: Any = request.user
    form = _card_form(user, record, directory, request.POST)
    if form is None:
        raise Refused(rights.REFUSALS["add"])
    if form.is_valid():
        data = form.cleaned_data
        links: dict[str, Any] = {directory.linked: record}
        company = getattr(record, "company", None)
        if company is not None and customer_rights.allows(user, "view", company):
            links["company"] = company
        try:
            item = Item.create(data["pipeline"], data["title"], by=user, amount=data["amount"], **links)
            return redirect("item", item.pk)
        except Refused as refused:
            form.add_error(None, refused.sentence)
    return _page(request, directory, kind, pk, form)


@staff_of_ours
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Fields of the customer; bad input shows them with what was typed."""
    directory = directory_of(kind)
    record = found_of(request, directory, pk)
    user: Any = request.user
    customer_rights.require(user, "edit", record)
    form = directory.form(record, request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect(directory.name, record.pk)
    context = {
        "record": found_of(request, directory, pk),
        "form": form,
        "directory": directory,
        "kind": kind,
        "nav": kind,
    }
    return render(request, "people/edit.html", context, status=422 if request.method == "POST" else 200)


def _exceptions_url(user: Any, contact: Any) -> str:
    """The first address, else the first number: what it is written from most."""
    email, phone = contact.emails.first(), contact.phones.first()
    if email is not None:
        return exceptions.url_to_add(user, exceptions.Kind.ADDRESS, email.address)
    return exceptions.url_to_add(user, exceptions.Kind.NUMBER, phone.number) if phone is not None else ""


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


def _people_of(user: Any, company: Any) -> list[Contact]:
    return list(Contact.objects.visible_to(user).filter(company=company).order_by("search_key")[:50])


# ---------------------------------------------------------------------- history


@staff_of_ours
@require_GET
def history(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Older entries, as a fragment."""
    directory = directory_of(kind)
    record = found_of(request, directory, pk)
    cards = Item.objects.visible_to(signed_in(request)).filter(**{directory.linked: record})
    context = {"record": record, "kind": kind, **_history(request, record, directory, cards)}
    return render(request, "people/_history.html", context)


def _each_once(events: Iterable[Event]) -> list[Event]:
    """What is told on two cards at once (an invoice and its deal) stands once in their customer's history."""
    kept: list[Event] = []
    for event in events:
        last = kept[-1] if kept else None
        if last is None or (last.kind, last.payload, last.actor_id) != (event.kind, event.payload, event.actor_id):
            kept.append(event)
    return kept


def _history(request: HttpRequest, record: Any, directory: Directory, cards: Any) -> dict[str, Any]:
    """Events of the customer and of its cards that the person sees, the newest first; `before`: an event's id."""
    user: Any = request.user
    sources = [Event.objects.filter(item__in=cards.values("pk"))]
    if directory is CONTACTS:
        # Its own events name a card that the person sees, or none.
        sources.append(Event.objects.filter(contact=record, item__isnull=True))
    last = Event.objects.filter(pk=id_of(request.GET.get("before")) or 0).first()
    found: dict[int, Any] = {}
    for source in sources:
        # Each by its own index: joined by OR, both databases read every event.
        earlier = Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk) if last else Q()
        found.update(source.filter(earlier).timeline().values_list("pk", "created_at")[: PAGE + 1])
    newest = sorted(found, key=lambda pk: (found[pk], pk), reverse=True)
    rows = Event.objects.select_related("item", "actor").in_bulk(newest[:PAGE])
    events = _each_once(rows[pk] for pk in newest[:PAGE])
    hidden = customer_rights.concealed(user)
    told = Event.objects.filter(hidden & customer_rights.talk(), pk__in=rows).values_list("pk", flat=True)
    left_out = set(told)
    return {
        "timeline": rows_for([event for event in events if event.pk not in left_out], user=user),
        "older": newest[PAGE - 1] if len(newest) > PAGE else None,
    }
