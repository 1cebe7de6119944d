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
from crm.items.models.profit import Profit
from crm.pipelines.custom_fields import MOST_ON_CARD
from crm.pipelines.machine import Machine
from crm.pipelines.roles import sees_profit
from crm.templatetags.dealwright import when

COLUMNS = (
    *("title", "version", "amount", "currency", "stage_entered_at", "next_activity_at", "visit_id", "stage_id"),
    *("probability", "source", "due_date", "created_at", "custom"),
    *("contact__name", "company__name", "owner__name"),
)


def _all_fields(machine: Machine) -> list[Field]:
    """What the pipeline shows on a card; made once a version of the machine."""
    known: list[Field] | None = machine.attached.get("card_fields")
    if known is None:
        names = machine.pipeline.card_fields[:MOST_ON_CARD]
        found = (own.ON_CARD.get(name) or machine.field(name) for name in names)
        known = machine.attached["card_fields"] = [field for field in found if field is not None]
    return known


def _fields(machine: Machine, user: Any) -> list[Field]:
    """Those of them that the person may see; nobody's right is asked where none needs one."""
    found = _all_fields(machine)
    if not any(field.type.is_confidential for field in found) or sees_profit(user):
        return found
    return [field for field in found if not field.type.is_confidential]


def shows_profit(machine: Machine, user: Any) -> bool:
    return own.ITEM_PROFIT in _fields(machine, user)


def _names(fields: list[Field], found: list[Item]) -> dict[str, dict[Any, str]]:
    """Of fields that link records: their names by id, one query a field for all cards."""
    linking = [(field, field.type) for field in fields if isinstance(field.type, Record)]
    return {field.name: kind.names(card.value_of(field.name) for card in found) for field, kind in linking}


def _shown(value: Any, field: Field, names: dict[str, dict[Any, str]]) -> str:
    if field.name in names and isinstance(value, int | str):
        return names[field.name].get(value, "")
    return str(when(value)) if isinstance(value, datetime) else field.type.told(value)


def decorate(machine: Machine, found: list[Item], user: Any) -> None:
    """Put the marks of upper layers and the pipeline's own fields on the cards, those that the person may see."""
    marks: dict[int, list[Any]] = {}
    for badges in slots.card_badges:
        for item_id, some in badges(found).items():
            marks.setdefault(item_id, []).extend(some)
    fields = _fields(machine, user)
    if own.ITEM_PROFIT in fields:
        _read_profit(found)
    names = _names(fields, found)
    for card in found:
        card.badges = marks.get(card.pk, [])
        shown = [(field, _shown(card.value_of(field.name), field, names)) for field in fields]
        # Profit is known of few cards at first: a line that says so on all others is noise.
        card.extras = [(field.label, text) for field, text in shown if text or not field.type.is_confidential]
        card.html = _html(card)


def _read_profit(found: list[Item]) -> None:
    """One question for all cards, a page of them or ten columns."""
    known = Profit.objects.in_bulk([card.pk for card in found])
    for card in found:
        row = known.get(card.pk)
        if row is not None:
            row.item = card
        card._state.fields_cache["profit"] = row


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
