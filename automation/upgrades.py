"""What migrations of rules and triggers do and say: their own folder holds no words for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import translation

from automation.rereading import Change, reread
from crm.fields import FieldType, type_of
from crm.ground import clock
from crm.ground.sentences import said
from crm.messages import merge_fields

# Paths of an item's own fields, as they stood when conditions were texts.
_ROOTS = ("item", "contact", "company")


def _types(apps: Any) -> dict[str, str]:
    found = {field.path: field.type for _label, fields in merge_fields.ROOTS.values() for field in fields}
    found |= {"stage": "text", "now.time": "time", "now.weekday": "weekday"}
    for target, key, kind in apps.get_model("crm", "CustomField").objects.values_list("target", "key", "type"):
        if target in _ROOTS:
            found[f"{target}.custom.{key}"] = kind
    return found


def reread_conditions(apps: Any) -> None:
    """All stored conditions, typed; what changes its meaning is told, and waits until somebody confirms it."""
    types = _types(apps)

    def kind(path: str) -> FieldType | None:
        return type_of(types[path]) if path in types else None

    told: list[str] = []
    for name in ("Rule", "Trigger"):
        # Those without a condition too: a planned run may be pinned to one that they had.
        for placed in apps.get_model("automation", name).objects.select_related("publisher", "pipeline"):
            told += _reread(apps, name, placed, kind)
    if told:
        _tell(apps, told)


def _reread(apps: Any, name: str, placed: Any, kind: Callable[[str], FieldType | None]) -> list[str]:
    # As its publisher typed it: "1,500" of a plain number hangs on the language.
    with translation.override(placed.publisher.language if placed.publisher else "en"):
        currency = placed.pipeline.currency
        tree, changes = reread(placed.condition, kind, currency)
        for run in _pinned(apps, placed) if name == "Rule" else ():
            taken, more = reread(run.taken["condition"], kind, currency)
            changes += [change for change in more if change not in changes]
            type(run).objects.filter(pk=run.pk).update(taken={**run.taken, "condition": taken})
    values: dict[str, Any] = {"condition": tree}
    if changes and not placed.retired:
        values["unconfirmed"] = [vars(change) for change in changes]
        if name == "Rule":
            values |= {
                "paused_at": clock.now(),
                "paused_because": said("condition.reread", "Its condition reads otherwise now; please confirm."),
            }
    type(placed).objects.filter(pk=placed.pk).update(**values)
    return [_line(placed, change) for change in changes if not placed.retired]


def _pinned(apps: Any, rule: Any) -> list[Any]:
    runs = apps.get_model("automation", "Run").objects.filter(rule=rule, taken__isnull=False, finished_at=None)
    return [run for run in runs if (run.taken or {}).get("condition")]


def _line(placed: Any, change: Change) -> str:
    return f"{placed.pipeline.name} / {placed.name}: {change.field} {change.op} “{change.text}”: " + " → ".join(
        [change.old or "–", change.new or "–"]
    )


def _tell(apps: Any, lines: list[str]) -> None:
    print("\n  " + "\n  ".join(lines))
    notices = apps.get_model("crm", "Notification").objects
    for user in apps.get_model("crm", "User").objects.filter(is_superuser=True, is_active=True):
        with translation.override(user.language):
            text = said(
                "upgrade.conditions",
                "Conditions are read by the types of their fields now. These would mean something else, or cannot be"
                " judged; their rules and triggers wait until you confirm them (before → now): %s",
            )
            shown = "; ".join(lines[:50]) + (" …" if len(lines) > 50 else "")
            notices.create(user=user, kind="setup", text=text % shown)
