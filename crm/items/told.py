"""What happens to items, as people read it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from crm.events.kinds import EventKind, Shown, register
from crm.events.models import Event
from crm.ground.shown import money
from crm.items.changes import Changes


def _entered(event: Event) -> Shown:
    if event.data("from_name"):
        words = {"from": event.data("from_name"), "to": event.data("to_name")}
        quiet = _("without its rules") if event.data("without_rules") else ""
        text = " · ".join(filter(None, [event.data("reason"), event.data("note"), quiet]))
        closed = [_("Task closed: %s") % title for title in event.data("closed_tasks", [])]
        return "arrow-right", _("%(from)s → %(to)s") % words, "\n".join(filter(None, [text, *closed]))
    return "arrow-right", _("Entered %s") % event.data("to_name"), ""


def _created(event: Event) -> Shown:
    if event.cause_kind == "form":
        return "forms", _("Created from the web form “%s”") % event.cause_label, ""
    if event.cause_kind == "mail":
        return "mail-opened", _("Created from a mail"), ""
    return "plus", _("Created in %s") % event.data("to_name"), ""


def _lines(event: Event) -> Shown:
    total = money(event.data("total"), event.data("currency", "EUR"))
    count = event.data("count", 0)
    words = {"count": count, "total": total}
    return "list", ngettext("%(count)d line, %(total)s", "%(count)d lines, %(total)s", count) % words, ""


# What people do with runs (automation/engine/control.py), as the event keeps it.
VERBS = {
    "cancelled": lazy("cancelled"),
    "held": lazy("held"),
    "released": lazy("released"),
    "run now": lazy("run now"),
    "run again": lazy("run again"),
}

register(
    EventKind("item.created", lazy("Created"), "plus", _created, shows=("changes",), names_customer=False),
    EventKind(
        "stage.entered",
        lazy("Moved to another stage"),
        "arrow-right",
        _entered,
        shows=("changes",),
        names_customer=False,
    ),
    EventKind(
        "move.undone",
        lazy("Move taken back"),
        "arrow-back-up",
        lambda e: (
            "arrow-back-up",
            _("Move to %(from)s taken back") % {"from": e.data("from_name")},
            "",
        ),
        shows=("changes",),
        names_customer=False,
    ),
    EventKind(
        "comment.added",
        lazy("Comment"),
        "note",
        lambda e: ("note", _("Comment"), e.data("text")),
        is_worded=True,
        shows=(
            "talk",
            "notes",
        ),
        names_customer=False,
        is_activity=True,
    ),
    EventKind(
        "comment.removed",
        lazy("Note of a rule removed"),
        "trash",
        lambda e: ("trash", _("Note of a rule removed"), ""),
        is_worded=True,
        shows=(
            "talk",
            "notes",
        ),
        names_customer=False,
    ),
    EventKind(
        "item.restored",
        lazy("Taken out of the recycle bin"),
        "arrow-back-up",
        lambda e: ("arrow-back-up", _("Taken out of the recycle bin"), ""),
        shows=("changes",),
        names_customer=False,
    ),
    EventKind(
        "item.deleted",
        lazy("Moved to the recycle bin"),
        "trash",
        lambda e: ("trash", _("Moved to the recycle bin"), ""),
        shows=("changes",),
        names_customer=False,
    ),
    EventKind("lines.changed", lazy("Lines changed"), "list", _lines, shows=("changes",), names_customer=False),
    EventKind(
        "lead.converted",
        lazy("Lead converted"),
        "arrow-right",
        lambda e: (
            "arrow-right",
            _("Converted: %(lead)s → %(deal)s") % {"lead": e.data("lead_title"), "deal": e.data("deal_title")},
            "",
        ),
        names_customer=False,
    ),
    EventKind(
        "field.changed",
        lazy("Fields changed"),
        "pencil",
        prepare=lambda events, fields: Changes(events, fields).shown,
        shows=("changes",),
        names_customer=False,
    ),
    EventKind(
        "owner.changed", lazy("Given to somebody"), "user", is_shown=False, shows=("changes",), names_customer=False
    ),
    EventKind(
        "automation.resumed",
        lazy("Automation goes on"),
        "player-play",
        lambda e: ("player-play", _("Automation goes on"), ""),
        names_customer=False,
    ),
    EventKind(
        "run.changed",
        lazy("Run of a rule changed by a person"),
        "robot",
        lambda e: ("robot", f"{e.data('rule')}: {VERBS.get(e.data('verb'), e.data('verb'))}", ""),
        names_customer=False,
    ),
)
