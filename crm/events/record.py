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
    now, told = clock.now(), list(entries)
    Event.objects.bulk_create(
        Event(
            kind=kind,
            item=visit.item,
            contact_id=visit.item.contact_id,
            visit=visit,
            actor=actor,
            **_columns_of(cause),
            payload=payload,
            created_at=now,
        )
        for visit, payload in told
    )
    _take_in([visit.item for visit, _payload in told])


def _take_in(items: list[Item]) -> None:
    for took_in in slots.items_taken_in:
        took_in(items)


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
    event = Event(
        kind=kind,
        item=item,
        contact_id=contact.pk if contact else (item.contact_id if item else None),
        visit=visit,
        actor=actor,
        **_columns_of(cause),
        payload=payload or {},
        key=key,
        created_at=clock.now(),
    )
    pending = _pending.get()
    if not quiet and pending is not None and key is None and entry is None and not _is_awaited(event):
        pending.append(event)
        return event
    if not _written(event):
        return None
    # Of what is quiet nobody hears; what the left visit had planned still ends, the event is marked for its receivers.
    event.quiet = quiet
    if quiet and item is not None:
        _take_in([item])
    if not quiet or (entry is not None and entry.left_id is not None):
        event_recorded.send(sender=Event, event=event, entry=entry)
    return event


def _columns_of(cause: Cause) -> dict[str, Any]:
    return {
        "cause_kind": cause.kind,
        "cause_ref": cause.ref,
        "cause_label": cause.label[:120],
        "depth": cause.depth,
    }


def _is_awaited(event: Event) -> bool:
    return any(cares(event.kind, event.cause_kind, event.item_id) for cares in slots.event_interest)


def _written(event: Event) -> bool:
    """False where its key is known already (E38); the caller's transaction goes on."""
    if event.key is None:
        event.save(force_insert=True)
        return True
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def plain(value: Any) -> Any:
    """A field's value for an event's payload."""
    if isinstance(value, Model):
        return value.pk
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
