"""What happens is recorded here: an Event row and our one signal, in the transaction of what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.dispatch import Signal

from crm import slots
from crm.events.models import Cause, Event
from crm.ground import clock

if TYPE_CHECKING:
    from crm.items.models.items import Item
    from crm.items.models.visits import StageVisit
    from crm.people.models import Contact, User
    from crm.pipelines.machine import Machine

# Sent synchronously, inside the transaction, with event=, entry=. Only for what must commit with the event.
event_recorded = Signal()


_pending: ContextVar[list[Event] | None] = ContextVar("events_pending", default=None)


@contextmanager
def collecting() -> Iterator[list[Event]]:
    """In a batch: events that nobody must hear of at once are written together at its end.

    Yields the list; whoever rolls a savepoint back cuts it to the length that it had before.
    """
    pending: list[Event] = []
    token = _pending.set(pending)
    try:
        yield pending
    finally:
        _pending.reset(token)
    Event.objects.bulk_create(pending)


@dataclass
class Entry:
    """An item's entry into a stage (visit set) or its deletion (visit None), while it happens."""

    item: Item
    visit: StageVisit | None
    left_id: int | None
    machine: Machine
    # What the move ended, by kind; receivers add theirs ("runs"), the visit remembers it for undo.
    cancelled: dict[str, Any] = field(default_factory=dict)
    # False: a person moved it without starting the rules of the stage.
    start_rules: bool = True


def record_many(
    kind: str,
    entries: Iterable[tuple[StageVisit, dict[str, Any]]],
    *,
    actor: User | None,
    cause: Cause,
) -> None:
    """Write what happened to many items at once, unheard; `entries`: each one's visit and payload."""
    now = clock.now()
    Event.objects.bulk_create(
        Event(
            kind=kind,
            item=visit.item,
            contact_id=visit.item.contact_id,
            visit=visit,
            actor=actor,
            cause_kind=cause.kind,
            cause_ref=cause.ref,
            cause_label=cause.label[:120],
            depth=cause.depth,
            payload=payload,
            created_at=now,
        )
        for visit, payload in entries
    )


def record(
    kind: str,
    *,
    item: Item | None = None,
    contact: Contact | None = None,
    actor: User | None = None,
    cause: Cause = Cause(),
    payload: dict[str, Any] | None = None,
    key: str | None = None,
    visit: StageVisit | None = None,
    entry: Entry | None = None,
    quiet: bool = False,
) -> Event | None:
    """Write what happened, in the caller's transaction.

    Args:
        kind: past-tense key, such as "email.opened".
        item: what it is bound to; its contact is taken along.
        key: the provider's id; an event with a known key is not written again (E38), and None is returned.
        quiet: nobody hears of it, neither rules nor triggers nor webhooks: what an import takes in.
        cause: of what a person or customer does the depth is 0, even on a mail that a rule sent.
    """
    values = {
        "kind": kind,
        "item": item,
        "contact_id": contact.pk if contact else (item.contact_id if item else None),
        "visit": visit,
        "actor": actor,
        "cause_kind": cause.kind,
        "cause_ref": cause.ref,
        "cause_label": cause.label[:120],
        "depth": cause.depth,
        "payload": payload or {},
        "key": key,
        "created_at": clock.now(),
    }
    pending = _pending.get()
    if quiet:
        event = Event.objects.create(**values)
        if entry is not None and entry.left_id is not None:
            # What the visit had planned still ends; the event is marked for those who would tell of it.
            event.quiet = True
            event_recorded.send(sender=Event, event=event, entry=entry)
        return event
    if pending is not None and key is None and entry is None and not any(cares(kind) for cares in slots.event_interest):
        pending.append(Event(**values))
        return pending[-1]
    if key is None:
        event = Event.objects.create(**values)
    else:
        try:
            with transaction.atomic():
                event = Event.objects.create(**values)
        except IntegrityError:
            return None
    event_recorded.send(sender=Event, event=event, entry=entry)
    return event


def plain(value: Any) -> Any:
    """A field's value for an event's payload."""
    if isinstance(value, Model):
        return value.pk
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
