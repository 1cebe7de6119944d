"""Calls, tasks and words to supervisors, as people read them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.events.kinds import EventKind, Shown, register
from crm.events.models import Event
from crm.ground import phones
from crm.ground.shown import beside

TASK_ICONS = {"call": "phone", "meeting": "users"}
TASK_PLANNED = {"call": lazy("Call planned"), "meeting": lazy("Meeting planned")}
TASK_ENDS: dict[str, dict[str, Any]] = {
    "task": {
        "new": lazy("Task opened again"),
        "in_progress": lazy("Task begun"),
        "done": lazy("Task done"),
        "cancelled": lazy("Task cancelled"),
    },
    "call": {"done": lazy("Call made"), "cancelled": lazy("Call cancelled")},
    "meeting": {"done": lazy("Meeting held"), "cancelled": lazy("Meeting cancelled")},
}


def _task(event: Event) -> Shown:
    own = TASK_ENDS.get(event.data("kind"), {})
    told = own.get(event.data("status")) or TASK_ENDS["task"].get(event.data("status"), "")
    return TASK_ICONS.get(event.data("kind"), "checkbox"), beside(told, event.data("title")), ""


MEETING_ANSWERS: dict[str, Any] = {
    "accepted": lazy("%(who)s accepts “%(title)s”"),
    "declined": lazy("%(who)s declines “%(title)s”"),
    "tentative": lazy("%(who)s perhaps comes to “%(title)s”"),
}
CHANGED = {"call": lazy("Call changed"), "meeting": lazy("Meeting changed")}


def _task_changed(event: Event) -> Shown:
    at = parse_datetime(event.data("at")) if event.data("at") else None
    told = CHANGED.get(event.data("kind"), _("Task changed"))
    when = date_format(timezone.localtime(at), "DATETIME_FORMAT") if at is not None else ""
    return TASK_ICONS.get(event.data("kind"), "checkbox"), beside(told, event.data("title")), when


def _call(event: Event) -> str:
    minutes, seconds = divmod(round(event.data("seconds", 0)), 60)
    words = {"number": phones.display(event.data("number")), "minutes": f"{minutes}:{seconds:02}"}
    if event.kind == "call.missed":
        return (
            _("Missed call from %(number)s") if event.data("direction") == "in" else _("%(number)s did not answer")
        ) % words
    return (
        _("Call from %(number)s, %(minutes)s min")
        if event.data("direction") == "in"
        else _("Call to %(number)s, %(minutes)s min")
    ) % words


register(
    EventKind(
        "call.answered",
        lazy("Call answered"),
        "phone",
        lambda e: ("phone", _call(e), e.data("note")),
        is_worded=True,
        shows=("talk",),
        is_activity=True,
    ),
    EventKind(
        "call.missed",
        lazy("Missed call"),
        "phone",
        lambda e: ("phone", _call(e), e.data("note")),
        is_worded=True,
        shows=("talk",),
        is_activity=True,
    ),
    EventKind(
        "task.created",
        lazy("Task planned"),
        "checkbox",
        lambda e: (
            TASK_ICONS.get(e.data("kind"), "checkbox"),
            beside(TASK_PLANNED.get(e.data("kind"), _("Task")), e.data("title")),
            e.data("assignee"),
        ),
        is_worded=True,
        names_customer=False,
        is_activity=True,
    ),
    EventKind("task.changed", lazy("Task changed"), "pencil", _task_changed, names_customer=False),
    EventKind(
        "meeting.answered",
        lazy("Invitation answered"),
        "users",
        lambda e: (
            "users",
            MEETING_ANSWERS.get(e.data("answer"), _("%(who)s answered the invitation"))
            % {"who": e.data("customer"), "title": e.data("title")},
            "",
        ),
        is_activity=True,
        shows=("talk",),
        conceals=("customer",),
    ),
    EventKind("task.status", lazy("Task changed"), "checkbox", _task, names_customer=False, is_activity=True),
    EventKind(
        "supervisor.notified",
        lazy("Supervisor notified"),
        "bell",
        lambda e: ("bell", _("Supervisor notified: %s") % e.data("to"), e.data("text")),
        conceals=(),
        names_customer=False,
    ),
)
