"""A card of the board: what it shows besides title, customer and amount, and its HTML, rendered once and kept."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm import clock, slots
from crm.models import CustomField, Item
from crm.models.pipelines import Machine
from crm.templatetags.dealwright import day, when

COLUMNS = (
    *("title", "version", "amount", "currency", "stage_entered_at", "next_activity_at", "visit_id", "stage_id"),
    *("probability", "source", "due_date", "created_at", "custom"),
    *("contact__name", "company__name", "owner__name"),
)
# What a pipeline may show besides; custom fields come on top. Six at most, or a card is no card any more.
MOST_FIELDS = 6
OWN_FIELDS = {
    "source": lazy("source"),
    "due_date": lazy("expected on"),
    "probability": lazy("probability, %"),
    "created_at": lazy("created at"),
}


def field_choices() -> list[tuple[str, Any]]:
    custom = CustomField.objects.filter(target="item").order_by("order", "pk").values_list("key", "label")
    return [*OWN_FIELDS.items(), *((f"custom.{key}", label) for key, label in custom)]


def _labels(machine: Machine) -> dict[str, str]:
    """By field that the pipeline shows: its label; read once a version of the machine."""
    known: dict[str, str] | None = machine.attached.get("card_fields")
    if known is None:
        custom = dict(CustomField.objects.filter(target="item").values_list("key", "label"))
        known = {}
        for name in machine.pipeline.card_fields[:MOST_FIELDS]:
            label = custom.get(name.removeprefix("custom.")) if name.startswith("custom.") else OWN_FIELDS.get(name)
            if label is not None:
                known[name] = label
        machine.attached["card_fields"] = known
    return known


def _shown(value: Any) -> str:
    if value in (None, "", []):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        return str(when(value))
    if isinstance(value, date):
        return str(day(value))
    return str(value)


def decorate(machine: Machine, found: list[Item]) -> None:
    """Put the marks of upper layers and the pipeline's own fields on the cards."""
    marks: dict[int, list[Any]] = {}
    for badges in slots.card_badges:
        for item_id, some in badges(found).items():
            marks.setdefault(item_id, []).extend(some)
    labels = _labels(machine)
    for card in found:
        card.badges = marks.get(card.pk, [])
        card.extras = [(label, _shown(card.value_of(name))) for name, label in labels.items()]
        card.html = _html(card)


# Cards as they were rendered, by everything that they show: most cards of a board do not change between two looks.
_rendered: dict[tuple[Any, ...], str] = {}
MOST_RENDERED = 20_000


def _html(card: Item) -> str:
    key = (
        *(card.pk, card.visit_id, card.title, card.amount, card.currency, get_language()),
        *(card.next_activity_at, card.is_activity_late, (clock.now() - card.stage_entered_at).days),
        *(card.contact and card.contact.name, card.company and card.company.name, card.owner and card.owner.name),
        *((badge.icon, badge.label, badge.tone) for badge in card.badges),
        *((str(label), value) for label, value in card.extras),
    )
    known = _rendered.get(key)
    if known is None:
        if len(_rendered) >= MOST_RENDERED:
            _rendered.clear()
        known = _rendered[key] = render_to_string("board/_card.html", {"item": card})
    return known
