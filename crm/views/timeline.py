"""Events as people read them: an icon, one sentence, a text below it. A new kind of event adds a line here."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from crm import phones, slots
from crm.customers import FOUND, shown
from crm.models import Channel, Contact, CustomField, Event
from crm.shown import beside, money
from crm.views.changes import Changes, Shown


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


def _form(event: Event) -> Shown:
    answers = "\n".join(beside(label, text) for label, text in event.data("answers", []))
    return "forms", _("Sent the form “%s”") % event.data("form_name"), answers


def _message(icon: str, sentence: Callable[[Event], str]) -> Callable[[Event], Shown]:
    def shown(event: Event) -> Shown:
        text = event.data("text") if not event.data("subject") else f"{event.data('subject')}\n{event.data('text')}"
        return icon, sentence(event), event.data("error") or text

    return shown


def _received(event: Event) -> Shown:
    words = {"who": event.data("customer") or event.data("from"), "by": event.data("forwarded_by")}
    sentence = _("Automatic answer from %(who)s") if event.data("automatic") else _("E-mail from %(who)s")
    if event.data("colleague"):
        sentence, words["who"] = _("E-mail from %(who)s, a colleague"), event.data("colleague")
    if event.data("forwarded_by"):
        sentence = _("E-mail from %(who)s, forwarded by %(by)s")
    lines = [event.data("comment"), event.data("subject"), event.data("text"), event.data("note")]
    if event.data("through"):
        lines.append(_("Sent by %s") % event.data("through"))
    if len(event.data("channels") or []) > 1:
        names = Channel.objects.filter(pk__in=event.data("channels")).order_by("pk").values_list("name", flat=True)
        lines.append(_("Came to %s") % ", ".join(names))
    if event.data("refused"):
        lines.append(_("Not taken in: %s") % ", ".join(event.data("refused")))
    return "mail-opened", sentence % words, "\n".join(filter(None, lines))


def _lines(event: Event) -> Shown:
    total = money(event.data("total"), event.data("currency", "EUR"))
    count = event.data("count", 0)
    words = {"count": count, "total": total}
    return "list", ngettext("%(count)d line, %(total)s", "%(count)d lines, %(total)s", count) % words, ""


TASK_ICONS = {"call": "phone", "meeting": "users"}
TASK_PLANNED = {"call": lazy("Call planned"), "meeting": lazy("Meeting planned")}
TASK_ENDS = {
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


# What people do with runs (automation/engine/control.py), as the event keeps it.
VERBS = {
    "cancelled": lazy("cancelled"),
    "held": lazy("held"),
    "released": lazy("released"),
    "run now": lazy("run now"),
    "run again": lazy("run again"),
}

RENDERERS: dict[str, Callable[[Event], Shown]] = {
    "item.created": _created,
    "stage.entered": _entered,
    "move.undone": lambda e: (
        "arrow-back-up",
        _("Move to %(from)s taken back") % {"from": e.data("from_name")},
        "",
    ),
    "refusal.lifted": lambda e: (
        "mail",
        _("%(address)s may be written to again") % {"address": e.data("address")},
        e.data("why"),
    ),
    "contact.split": lambda e: (
        "users",
        (_("“%s” was split off this contact") if e.data("made") else _("Split off “%s”")) % e.data("name"),
        "",
    ),
    "contact.merged": lambda e: ("git-merge", _("“%s” was merged into this contact") % e.data("name"), ""),
    "comment.removed": lambda e: ("trash", _("Note of a rule removed"), ""),
    "item.restored": lambda e: ("arrow-back-up", _("Taken out of the recycle bin"), ""),
    "item.deleted": lambda e: ("trash", _("Moved to the recycle bin"), ""),
    "form.submitted": _form,
    "callback.requested": _form,
    "lines.changed": _lines,
    FOUND: lambda e: ("user", _("Customer found by what was typed"), shown(e.data("typed", {}).values())),
    "comment.added": lambda e: ("note", _("Comment"), e.data("text")),
    "sms.sent": _message("device-mobile", lambda e: _("SMS to %s") % e.data("to")),
    "sms.received": lambda e: (
        "message",
        {"stop": _("The customer wants no SMS any more"), "start": _("The customer wants SMS again")}.get(
            e.data("wish"), _("SMS from the customer")
        ),
        e.data("text"),
    ),
    "sms.delivered": _message("check", lambda e: _("SMS to %s was delivered") % e.data("to")),
    "webhook.received": lambda e: ("webhook", _("Called by “%s”") % e.data("hook_name"), ""),
    "sms.failed": _message("alert-triangle", lambda e: _("SMS to %s was not sent") % e.data("to")),
    "sms.skipped": _message("alert-triangle", lambda e: _("SMS to %s was not sent") % e.data("to")),
    "sms.unknown": _message("question-mark", lambda e: _("SMS to %s: nobody knows") % e.data("to")),
    "email.sent": _message("mail", lambda e: _("E-mail to %s") % e.data("to")),
    "email.opened": lambda e: (
        "eye",
        _("The customer probably opened the mail") if e.data("proxy") else _("The customer opened the mail"),
        e.data("subject"),
    ),
    "email.received": _received,
    "email.delivered": _message("check", lambda e: _("E-mail to %s was delivered") % e.data("to")),
    "email.complained": lambda e: ("alert-triangle", _("The customer called our mail spam"), e.data("subject")),
    "email.unsubscribed": lambda e: ("circle-x", _("The customer wants no e-mail any more"), e.data("subject")),
    "email.clicked": lambda e: ("link", _("The customer followed a link"), f"{e.data('url')}\n{e.data('subject')}"),
    "email.failed": _message("alert-triangle", lambda e: _("E-mail to %s was not sent") % e.data("to")),
    "email.skipped": _message("alert-triangle", lambda e: _("E-mail to %s was not sent") % e.data("to")),
    "email.unknown": _message("question-mark", lambda e: _("E-mail to %s: nobody knows") % e.data("to")),
    "message.settled": lambda e: (
        "check",
        _("Settled: it arrived") if e.data("arrived") else _("Settled: sent again"),
        e.data("to"),
    ),
    "call.answered": lambda e: ("phone", _call(e), e.data("note")),
    "call.missed": lambda e: ("phone", _call(e), e.data("note")),
    "task.created": lambda e: (
        TASK_ICONS.get(e.data("kind"), "checkbox"),
        beside(TASK_PLANNED.get(e.data("kind"), _("Task")), e.data("title")),
        e.data("assignee"),
    ),
    "task.status": _task,
    "lead.converted": lambda e: (
        "arrow-right",
        _("Converted: %(lead)s → %(deal)s") % {"lead": e.data("lead_title"), "deal": e.data("deal_title")},
        "",
    ),
    "supervisor.notified": lambda e: ("bell", _("Supervisor notified: %s") % e.data("to"), e.data("text")),
    "automation.resumed": lambda e: ("player-play", _("Automation goes on"), ""),
    "run.changed": lambda e: ("robot", f"{e.data('rule')}: {VERBS.get(e.data('verb'), e.data('verb'))}", ""),
}


def _also(events: list[Event], user: Any) -> dict[int, str]:
    """Names of others whose number it is too, as far as the reader may see them."""
    ids = {pk for event in events for pk in event.data("also", [])}
    if not ids or user is None:
        return {}
    return dict(Contact.objects.visible_to(user).filter(pk__in=ids).values_list("pk", "name"))  # type: ignore[attr-defined]


def _conceal(event: Event, known: Container[str]) -> None:
    """Addresses, numbers and answers of a customer whom the reader does not see leave the event that is shown."""
    hidden = [name for name in ("to", "number") if event.data(name) and event.data(name) not in known]
    event.payload = {**event.payload, **dict.fromkeys(hidden, _("the customer"))}
    if event.data("answers"):
        event.payload["answers"] = []


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
    renderers = {**RENDERERS, "field.changed": Changes(events, fields).shown}
    named = _also(events, user)
    for event in events:
        if known is not None:
            _conceal(event, known)
        renderer = renderers.get(event.kind)
        told = renderer(event) if renderer else next(filter(None, (tell(event) for tell in slots.timelines)), None)
        icon, sentence, text = told or ("info-circle", event.kind, "")
        if event.data("also"):
            names = [named[pk] for pk in event.data("also") if pk in named]
            text = "\n".join(filter(None, [text, _("Also the number of %s") % ", ".join(names) if names else ""]))
        rows.append({"event": event, "icon": icon, "sentence": sentence, "text": text, "who": event.who()})
    return rows
