"""Events as people read them: an icon, one sentence, a text below it (crm/events/kinds.py has the kinds)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from django.utils.translation import gettext as _

from crm.events import kinds as event_kinds
from crm.events.models import Event
from crm.items.erasure import ERASED
from crm.people.models import Contact
from crm.pipelines.custom_fields import CustomField


def _also(events: list[Event], user: Any) -> dict[int, str]:
    """Names of others whose number it is too, as far as the reader may see them."""
    ids = {pk for event in events for pk in event.data("also", [])}
    if not ids or user is None:
        return {}
    return dict(Contact.objects.visible_to(user).filter(pk__in=ids).values_list("pk", "name"))


def _conceal(event: Event, known: Container[str]) -> None:
    """Addresses, numbers and answers of a customer whom the reader does not see leave the event that is shown."""
    for name in event_kinds.kind_of(event.kind).conceals:
        value = event.payload.get(name)
        if isinstance(value, list):
            event.payload = {**event.payload, name: []}
        elif value and value not in known:
            event.payload = {**event.payload, name: _("the customer")}


def rows_for(
    events: list[Event],
    fields: Mapping[str, CustomField] | None = None,
    user: Any = None,
    known: Container[str] | None = None,
) -> list[dict[str, Any]]:
    """For the template: event, icon, sentence, text, who, why.

    Args:
        fields: the item's custom ones, where it is one item.
        user: who reads; None sees no names of contacts but those that the events tell.
        known: on a card that hides its customer, the addresses that the reader may be told; None: all.
    """
    rows = []
    kinds = {event.kind: event_kinds.kind_of(event.kind) for event in events}
    together = {key: kind.prepare(events, fields) for key, kind in kinds.items() if kind.prepare}
    named = _also(events, user)
    for event in events:
        if known is not None:
            _conceal(event, known)
        kind = kinds[event.kind]
        if event.payload.get(ERASED) and event.kind not in ("stage.entered", "item.created"):
            icon, sentence, text = kind.icon, str(kind.label), _("erased")
        else:
            icon, sentence, text = together.get(event.kind, kind.told)(event)
        if event.data("also"):
            names = [named[pk] for pk in event.data("also") if pk in named]
            text = "\n".join(filter(None, [text, _("Also the number of %s") % ", ".join(names) if names else ""]))
        rows.append({"event": event, "icon": icon, "sentence": sentence, "text": text, "who": event.who()})
    return rows
