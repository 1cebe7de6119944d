"""A call that took place: written down by any telephone system (API) or by a colleague on the card."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crm.events.models import Cause, Event
from crm.events.record import record
from crm.ground import clock
from crm.items.models.items import Item
from crm.people.models import Contact, User


def log(
    *,
    by: User,
    number: str,
    is_incoming: bool,
    is_answered: bool,
    item: Item | None = None,
    contact: Contact | None = None,
    own_number: str = "",
    seconds: int = 0,
    note: str = "",
    started_at: datetime | None = None,
    cause: Cause = Cause(),
    key: str | None = None,
) -> Event | None:
    """Record it; None for a call whose key is known.

    Args:
        number: the customer's, E.164. own_number: ours that was called or shown, E.164; empty: not told.
    """
    payload: dict[str, Any] = {
        "direction": "in" if is_incoming else "out",
        "number": number,
        "own_number": own_number,
        "answered": is_answered,
        "seconds": seconds,
        "note": note,
        "also": Contact.objects.sharing(number, contact),
        "started_at": (started_at or clock.now()).isoformat(),
    }
    kind = "call.answered" if is_answered else "call.missed"
    return record(kind, item=item, contact=contact, actor=by, cause=cause, payload=payload, key=key)
