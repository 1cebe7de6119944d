"""Everything at once: cards by number, title, customer and own fields; contacts; companies; words of notes, mails, tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm import slots
from crm.events.models import Event
from crm.ground.access import staff_of_ours
from crm.ground.columns.words import indexed
from crm.ground.folding import fold
from crm.items import customer_rights, search_index
from crm.items.models.items import Item
from crm.items.timeline import rows_for
from crm.people.models import Company, Contact

SHOWN = 20
SNIPPET = 140  # characters
# "#441", as a card's head shows it, or the bare number.
NUMBER = re.compile(r"#?(\d{1,18})")


@dataclass
class Said:
    """A card in whose history the words stand, and where. Shown as the card."""

    item: Item
    subline: str

    @property
    def pk(self) -> int:
        return self.item.pk

    def __str__(self) -> str:
        return self.item.title


@staff_of_ours
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:100]
    groups: list[tuple[str, str, list[Any]]] = []
    if len(fold(text)) >= 2 or NUMBER.fullmatch(text):
        user: Any = request.user
        groups = [
            ("item", _("Cards"), cards(user, text)),
            ("contact", _("Contacts"), customers(user, Contact, text)),
            ("company", _("Companies"), customers(user, Company, text)),
            ("item", _("In notes, mails, forms and tasks"), said(user, text)),
            *(found_by(user, text) for found_by in slots.search_groups),
        ]
    found = sum(len(rows) for _kind, _label, rows in groups)
    fragment = bool(request.headers.get("HX-Request"))
    context = {"q": text, "groups": groups, "found": found, "nav": "search", "search_url": reverse("search")}
    return render(request, "search/_results.html" if fragment else "search/search.html", context)


def cards(user: Any, text: str) -> list[Item]:
    """The one with this number first, then by title and customer, then by own fields."""
    rows = Item.objects.visible_to(user).select_related("stage", "contact", "pipeline")
    number = NUMBER.fullmatch(text)
    ids = [int(number[1])] if number else []
    ids += rows.found(text).order_by("-last_activity_at").values_list("pk", flat=True)[:SHOWN]
    ids += _seen(rows, Item, text)
    known = rows.in_bulk(ids)
    return [known[pk] for pk in dict.fromkeys(ids) if pk in known][:SHOWN]


def customers(user: Any, model: type[Contact] | type[Company], text: str) -> list[Any]:
    """By name, address and number, then by own fields."""
    rows: Any = model.objects.visible_to(user)
    if model is Contact:
        rows = rows.prefetch_related("phones", "emails")
    found = list(rows.found(text).order_by("search_key")[:SHOWN])
    own = [pk for pk in _seen(rows, model, text) if pk not in {row.pk for row in found}]
    known = rows.in_bulk(own)
    return (found + [known[pk] for pk in own])[:SHOWN]


def _seen(rows: Any, model: type[Model], text: str) -> list[int]:
    """Ids of what the words are found in and the person sees, the newest first."""
    kept: list[int] = []
    for ids in search_index.matches(model, text):
        seen = set(rows.filter(pk__in=ids).order_by().values_list("pk", flat=True))
        kept += [pk for pk in ids if pk in seen]
        if len(kept) >= SHOWN:
            break
    return kept[:SHOWN]


def said(user: Any, text: str) -> list[Said]:
    """The newest event of each card that says these words; the newest cards first."""
    asked = search_index.asked(text)
    found: dict[int, Event] = {}
    for ids in search_index.matches(Event, text):
        for event in _told(user, ids):
            found.setdefault(event.item_id or 0, event)
        if len(found) >= SHOWN:
            break
    shown = list(found.values())[:SHOWN]
    items = Item.objects.in_bulk([event.item_id for event in shown])
    return [Said(items[event.item_id], _snippet(event, asked, user)) for event in shown if event.item_id in items]


def _told(user: Any, ids: list[int]) -> list[Event]:
    """Events of cards that the person sees; what tells the address of a customer that a card hides is left out."""
    # By their ids alone first: joined with what may be seen, SQLite goes through every card.
    found = Event.objects.filter(pk__in=ids, item__isnull=False)
    cards = dict(found.order_by().values_list("pk", "item"))
    seen = set(Item.objects.visible_to(user).filter(pk__in=set(cards.values())).order_by().values_list("pk", flat=True))
    wanted = [pk for pk in ids if cards.get(pk) in seen]
    told = Event.objects.filter(customer_rights.concealed(user) & customer_rights.talk(), pk__in=wanted)
    hidden = set(told.order_by().values_list("pk", flat=True))
    rows = Event.objects.select_related("actor").in_bulk([pk for pk in wanted if pk not in hidden])
    return [rows[pk] for pk in wanted if pk in rows]


def _snippet(event: Event, asked: list[str], user: Any) -> str:
    """What it is, and the line where the first of the words stands."""
    row = rows_for([event], user=user)[0]
    lines = [line for line in str(row["text"]).splitlines() if line.strip()]
    for line in lines:
        if any(word.startswith(asked[0]) for word in (indexed([line]) or "").split()):
            return f"{row['sentence']} · {_around(line, asked[0])}"
    return f"{row['sentence']} · {lines[0][:SNIPPET]}" if lines else str(row["sentence"])


def _around(line: str, word: str) -> str:
    if len(line) <= SNIPPET:
        return line
    place = max(fold(line).find(word), 0)
    start = max(place - SNIPPET // 3, 0)
    return ("…" if start else "") + line[start : start + SNIPPET] + "…"
