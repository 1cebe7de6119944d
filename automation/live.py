"""The live state beside the document: on or off, paused, confirmed. One verb each; at once, with an event and an audit line.

A publication never writes it, but for rules and triggers that are new or taken away.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from automation.models import Rule, Trigger
from crm.account.audit import written_in_bulk
from crm.events import kinds
from crm.events.record import record
from crm.ground import clock
from crm.models import User


def switch(placed: Rule | Trigger, on: bool, by: User | None) -> bool:
    """On or off; returns whether that changed. What planned runs do is the caller's (publishing/doors.py)."""
    if placed.is_enabled == on:
        return False
    _write(placed, by, is_enabled=on)
    _told("automation.switched", placed, by, on=on)
    return True


def pause(rule: Rule, reason: str) -> bool:
    """By the system; returns whether it was not paused yet. Its runs wait until a person lets it go on."""
    paused = Rule.objects.filter(pk=rule.pk, paused_at__isnull=True)
    if not paused.update(paused_at=clock.now(), paused_because=reason):
        return False
    _told("automation.paused", rule, None, reason=reason)
    return True


def go_on(rule: Rule, by: User | None) -> None:
    """A person lets a paused rule go on."""
    _write(rule, by, paused_at=None, paused_because="", unconfirmed=[])
    _told("automation.went_on", rule, by)


def confirm(placed: Rule | Trigger, by: User | None) -> None:
    """A person has seen how its condition reads since the upgrade to typed conditions."""
    _write(placed, by, unconfirmed=[])


def mark_hung(rule: Rule) -> None:
    """The watchdog killed a worker in a run of it."""
    Rule.objects.filter(pk=rule.pk).update(hung_at=clock.now())


def _write(placed: Rule | Trigger, by: User | None, **values: Any) -> None:
    with transaction.atomic():
        placed.pipeline.touch_machine()
        before = copy(placed)
        for name, value in values.items():
            setattr(placed, name, value)
        type(placed)._default_manager.filter(pk=placed.pk).update(**values)
        written_in_bulk([(before, placed)], by)


def _told(kind: str, placed: Rule | Trigger, by: User | None, **payload: Any) -> None:
    record(kind, actor=by, payload={"name": placed.name, "pipeline": placed.pipeline_id, "id": placed.uid} | payload)


# Of no card: they stand in the event log and in what webhooks are told.
for _key, _label in (
    ("automation.switched", _("Rule or trigger switched on or off")),
    ("automation.paused", _("Rule paused")),
    ("automation.went_on", _("Rule goes on")),
):
    kinds.register(kinds.EventKind(_key, _label, "bolt", names_customer=False))
