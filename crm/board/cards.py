"""A card of the board: what it shows besides title, customer and amount, and its HTML, rendered once and kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from crm import slots
from crm.fields import Field, own
from crm.fields.record import Record
from crm.ground import clock
from crm.ground.shown import money
from crm.items.models.items import Item
from crm.pipelines.custom_fields import MOST_ON_CARD
from crm.pipelines.machine import Machine
from crm.templatetags.dealwright import when

COLUMNS = (
    *("title", "version", "amount", "currency", "stage_entered_at", "next_activity_at", "visit_id", "stage_id"),
    *("probability", "source", "due_date", "created_at", "custom"),
    *("contact__name", "company__name", "owner__name"),
)


def _fields(machine: Machine) -> list[Field]:
    """What the pipeline shows on a card; made once a version of the machine."""
    known: list[Field] | None = machine.attached.get("card_fields")
    if known is None:
        names = machine.pipeline.card_fields[:MOST_ON_CARD]
        found = (own.ON_CARD.get(name) or machine.field(name) for name in names)
        known = machine.attached["card_fields"] = [field for field in found if field is not None]
    return known


def _names(fields: list[Field], found: list[Item]) -> dict[str, dict[Any, str]]:
    """Of fields that link records: their names by id, one query a field for all cards."""
    linking = [(field, field.type) for field in fields if isinstance(field.type, Record)]
    return {field.name: kind.names(card.value_of(field.name) for card in found) for field, kind in linking}


def _shown(value: Any, field: Field, names: dict[str, dict[Any, str]]) -> str:
    if field.name in names and isinstance(value, int | str):
        return names[field.name].get(value, "")
    return str(when(value)) if isinstance(value, datetime) else field.type.told(value)


def decorate(machine: Machine, found: list[Item]) -> None:
    """Put the marks of upper layers and the pipeline's own fields on the cards."""
    marks: dict[int, list[Any]] = {}
    for badges in slots.card_badges:
        for item_id, some in badges(found).items():
            marks.setdefault(item_id, []).extend(some)
    fields = _fields(machine)
    names = _names(fields, found)
    for card in found:
        card.badges = marks.get(card.pk, [])
        card.extras = [(field.label, _shown(card.value_of(field.name), field, names)) for field in fields]
        card.html = _html(card)


def _spoken(card: Item) -> str:
    """What a screen reader calls the card: title, customer, amount."""
    amount = "" if card.amount is None else money(card.amount, card.currency)
    return ", ".join(filter(None, [card.title, card.contact.name if card.contact else "", amount]))


# Cards as they were rendered, by everything that they show: most cards of a board do not change between two looks.
_rendered: dict[tuple[Any, ...], str] = {}
MOST_RENDERED = 20_000


def _html(card: Item) -> str:
    key = (
        *(card.pk, card.visit_id, card.title, card.amount, card.currency, get_language(), get_current_timezone_name()),
        *(card.next_activity_at, card.is_activity_late, (clock.now() - card.stage_entered_at).days),
        *(card.contact and card.contact.name, card.company and card.company.name, card.owner and card.owner.name),
        *((badge.icon, badge.label, badge.tone) for badge in card.badges),
        *((str(label), value) for label, value in card.extras),
    )
    known = _rendered.get(key)
    if known is None:
        if len(_rendered) >= MOST_RENDERED:
            _rendered.clear()
        known = _rendered[key] = render_to_string("board/_card.html", {"item": card, "spoken": _spoken(card)})
    return known
