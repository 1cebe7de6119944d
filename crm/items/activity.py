"""What people did about a card, and when last: a mail, a call, a note, a task done. Rules, triggers and imports do not count.

Which kinds of events count is said where they are named (`EventKind.is_activity`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from crm.events import kinds
from crm.events.models import Event

if TYPE_CHECKING:
    from crm.items.models.items import Item

NOT_PEOPLE = ("rule", "trigger", "system", "import")
# What somebody does with the card itself.
HANDLING = ("stage.entered", "field.changed", "lines.changed", "item.restored")


def is_activity(kind: str, cause: str) -> bool:
    """Somebody of ours or the customer did it, for or with the card; `cause`: kind of the cause."""
    return cause not in NOT_PEOPLE and (kind in HANDLING or kinds.kind_of(kind).is_activity)


def events(*, handling: bool = False) -> Any:
    """The events (a queryset) that are activity of people.

    Args:
        handling: moves and changes of fields count as well.
    """
    counted = [*kinds.activities(), *(HANDLING if handling else ())]
    return Event.objects.filter(kind__in=counted).exclude(cause_kind__in=NOT_PEOPLE)


def last(item: Item, *, since: datetime, handling: bool = False) -> datetime:
    """When people last did something about the card (UTC), at least `since`."""
    found = events(handling=handling).filter(item=item, created_at__gt=since).order_by("-created_at", "-pk")
    return found.values_list("created_at", flat=True).first() or since
