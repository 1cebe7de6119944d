"""Which types look at which kinds of events: asked at every event, so of installed code it is known without looking."""

from __future__ import annotations

from automation.base import APP_FIRED, TriggerType, actions, trigger_types
from crm.items import activity
from crm.registry import Registry


def types_for(kind: str) -> set[str]:
    """Keys of the trigger types that look at a kind of event."""
    known = trigger_types if kind == APP_FIRED else trigger_types.of_code()  # asked at each event
    return {found.key for found in known if kind in found.events}


def arming(kind: str, cause: str) -> list[type[TriggerType]]:
    """The types of time that count anew after such an event; `cause`: kind of its cause."""
    found = trigger_types.derived("arms", _by_arming_kind)
    if found[""] and activity.is_activity(kind, cause):
        return [*found.get(kind, ()), *found[""]]
    return found.get(kind, [])


def _by_arming_kind(known: Registry[TriggerType]) -> dict[str, list[type[TriggerType]]]:
    timed = [one for one in known.of_code() if one.is_timed()]
    found: dict[str, list[type[TriggerType]]] = {"": [one for one in timed if one.arms_on_activity]}
    for one in timed:
        for kind in one.arms:
            found.setdefault(kind, []).append(one)
    return found


def awaited_kinds() -> set[str]:
    """Kinds of events that installed actions may wait for; others cost no query."""
    return actions.derived("awaits", lambda known: {kind for found in known.of_code() for kind in found.awaits})
