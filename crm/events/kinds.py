"""The catalogue of what may happen: each kind of event with its name, its icon, how it is told and who may be told.

Ours are registered by the modules of their nouns, third parties' by their `crm_plugin.py`. What no installed app knows is
told by a sentence, never by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

Shown = tuple[str, str, str]  # icon, sentence, text below


@dataclass(frozen=True)
class EventKind:
    """
    Args:
        key: past tense, "email.opened".
        label: what people call it; a lazy text.
        icon: of our sprite.
        tell: f(event) -> (icon, sentence, text below), in the active language; None: the label alone.
        prepare: f(events, fields) -> tell: in place of `tell` where many are told together in few queries.
        is_worded: the words of its payload are searched.
        is_shown: it stands on timelines; another kind tells of the rest.
        is_activity: done by people, it shows that somebody cares for the card (crm/items/activity.py).
        shows: filters of the timeline that it stands under: talk, notes, changes.
        names_customer: its payload may hold an address, a number or words of the customer; who does not see the customer is
            not told of it by API, webhook and search. True unless it is said otherwise, so that a forgotten word hides.
        conceals: names of its payload that pages leave out on a card that hides its customer.
    """

    key: str
    label: Any
    icon: str = "info-circle"
    tell: Callable[[Any], Shown] | None = None
    prepare: Callable[[list[Any], Mapping[str, Any] | None], Callable[[Any], Shown]] | None = None
    is_worded: bool = False
    is_shown: bool = True
    is_activity: bool = False
    shows: tuple[str, ...] = ()
    names_customer: bool = True
    conceals: tuple[str, ...] = ("to", "from", "number", "answers")

    def told(self, event: Any) -> Shown:
        return self.tell(event) if self.tell else (self.icon, str(self.label), "")


_kinds: dict[str, EventKind] = {}


def register(*kinds: EventKind) -> None:
    """Raises TypeError for a key that is taken, or that is none of the form "noun.happened"."""
    for kind in kinds:
        noun, dot, happened = kind.key.partition(".")
        if not (noun and dot and happened and kind.key == kind.key.lower()):
            raise TypeError(f"event kinds: the key {kind.key!r} is not of the form noun.happened")
        if _kinds.get(kind.key, kind) != kind:
            raise TypeError(f"event kinds: {kind.key!r} is taken")
        _kinds[kind.key] = kind


def kind_of(key: str) -> EventKind:
    """By its key; a stand-in for one that no installed app knows."""
    known = _kinds.get(key)
    if known is not None:
        return known
    return EventKind(key, _("Told by an app that is not installed (%s)") % key.partition(".")[0])


def kinds() -> list[EventKind]:
    """All that are known, by their keys."""
    return [_kinds[key] for key in sorted(_kinds)]


def choices() -> list[tuple[str, str]]:
    return [(kind.key, f"{kind.label} ({kind.key})") for kind in kinds()]


def is_worded(key: str) -> bool:
    known = _kinds.get(key)
    return known is not None and known.is_worded


def naming_nobody() -> list[str]:
    """Keys of kinds that may be told to who does not see the customer; of unknown ones nobody can say so."""
    return [key for key, kind in _kinds.items() if not kind.names_customer]


def activities() -> list[str]:
    """Keys of what shows that somebody cares for a card."""
    return [key for key, kind in _kinds.items() if kind.is_activity]


def shown_under(name: str) -> list[str]:
    return [key for key, kind in _kinds.items() if name in kind.shows]


def unshown() -> list[str]:
    """Keys of what timelines leave out."""
    return [key for key, kind in _kinds.items() if not kind.is_shown]
