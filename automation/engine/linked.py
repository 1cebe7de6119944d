"""Linked: a card that enters a stage is told to the cards that it was made from or that were made from it.

Only where a trigger waits for that; the event that they get is as deep as the move, so that circles end (E41).
"""

from __future__ import annotations

from django.core.cache import caches

from automation.compiled import automation_of
from automation.models import Trigger
from crm.events.record import record
from crm.models import Cause, Event, Item
from crm.pipelines.machine import machine_of

TYPE, KIND = "linked_item_stage", "linked.moved"
MOVES = ("stage.entered", "item.created")
REMEMBERED = 2  # seconds: each move would ask, and hardly any house has such a trigger


def on_event(event: Event) -> None:
    """In the transaction of the move."""
    if event.kind not in MOVES or event.item is None or not _is_wanted():
        return
    moved = event.item
    linked = Item.objects.alive().filter(parent=moved)
    for other in [*linked.order_by("pk")[:50], *([moved.parent] if moved.parent is not None else [])]:
        waits = any(trigger.type == TYPE for trigger in automation_of(machine_of(other.pipeline_id)).triggers)
        if waits and other.deleted_at is None:
            stage = {"stage": event.data("to", None), "stage_name": event.data("to_name")}
            payload = {"item": moved.pk, "title": moved.title, **stage}
            cause = Cause(event.cause_kind, event.cause_ref, event.depth, event.cause_label)
            record(KIND, item=other, cause=cause, payload=payload, key=f"{KIND}:{event.pk}:{other.pk}")


def _is_wanted() -> bool:
    known: bool | None = caches["near"].get(TYPE)
    if known is None:
        known = Trigger.objects.filter(type=TYPE, is_enabled=True, retired=False).exists()
        caches["near"].set(TYPE, known, REMEMBERED)
    return known
