"""What becomes of messages, as people read it."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.events.kinds import EventKind, Shown, register
from crm.events.models import Event
from crm.messages.models.messages import Channel


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


register(
    EventKind(
        "sms.sent",
        lazy("SMS sent"),
        "device-mobile",
        _message("device-mobile", lambda e: _("SMS to %s") % e.data("to")),
        is_worded=True,
        shows=("talk",),
        is_activity=True,
    ),
    EventKind(
        "sms.received",
        lazy("SMS received"),
        "message",
        lambda e: (
            "message",
            {"stop": _("The customer wants no SMS any more"), "start": _("The customer wants SMS again")}.get(
                e.data("wish"), _("SMS from the customer")
            ),
            e.data("text"),
        ),
        is_worded=True,
        shows=("talk",),
        is_activity=True,
    ),
    EventKind(
        "sms.delivered",
        lazy("SMS delivered"),
        "check",
        _message("check", lambda e: _("SMS to %s was delivered") % e.data("to")),
        shows=("talk",),
    ),
    EventKind(
        "sms.failed",
        lazy("SMS not sent"),
        "alert-triangle",
        _message("alert-triangle", lambda e: _("SMS to %s was not sent") % e.data("to")),
        shows=("talk",),
    ),
    EventKind(
        "sms.skipped",
        lazy("SMS skipped"),
        "alert-triangle",
        _message("alert-triangle", lambda e: _("SMS to %s was not sent") % e.data("to")),
        shows=("talk",),
    ),
    EventKind(
        "sms.unknown",
        lazy("SMS whose fate nobody knows"),
        "question-mark",
        _message("question-mark", lambda e: _("SMS to %s: nobody knows") % e.data("to")),
        shows=("talk",),
    ),
    EventKind(
        "email.sent",
        lazy("E-mail sent"),
        "mail",
        _message("mail", lambda e: _("E-mail to %s") % e.data("to")),
        is_worded=True,
        shows=("talk",),
        is_activity=True,
    ),
    EventKind(
        "email.opened",
        lazy("E-mail opened"),
        "eye",
        lambda e: (
            "eye",
            _("The customer probably opened the mail") if e.data("proxy") else _("The customer opened the mail"),
            e.data("subject"),
        ),
        shows=("talk",),
    ),
    EventKind(
        "email.received",
        lazy("E-mail received"),
        "mail-opened",
        _received,
        is_worded=True,
        shows=("talk",),
        is_activity=True,
    ),
    EventKind(
        "email.delivered",
        lazy("E-mail delivered"),
        "check",
        _message("check", lambda e: _("E-mail to %s was delivered") % e.data("to")),
        shows=("talk",),
    ),
    EventKind(
        "email.complained",
        lazy("E-mail called spam"),
        "alert-triangle",
        lambda e: ("alert-triangle", _("The customer called our mail spam"), e.data("subject")),
        shows=("talk",),
    ),
    EventKind(
        "email.unsubscribed",
        lazy("E-mail unsubscribed"),
        "circle-x",
        lambda e: ("circle-x", _("The customer wants no e-mail any more"), e.data("subject")),
        shows=("talk",),
    ),
    EventKind(
        "email.clicked",
        lazy("Link of an e-mail followed"),
        "link",
        lambda e: ("link", _("The customer followed a link"), f"{e.data('url')}\n{e.data('subject')}"),
        shows=("talk",),
    ),
    EventKind(
        "email.failed",
        lazy("E-mail not sent"),
        "alert-triangle",
        _message("alert-triangle", lambda e: _("E-mail to %s was not sent") % e.data("to")),
        shows=("talk",),
    ),
    EventKind(
        "email.skipped",
        lazy("E-mail skipped"),
        "alert-triangle",
        _message("alert-triangle", lambda e: _("E-mail to %s was not sent") % e.data("to")),
        shows=("talk",),
    ),
    EventKind(
        "email.unknown",
        lazy("E-mail whose fate nobody knows"),
        "question-mark",
        _message("question-mark", lambda e: _("E-mail to %s: nobody knows") % e.data("to")),
        shows=("talk",),
    ),
    EventKind(
        "email.unreadable", lazy("E-mail that cannot be read"), "alert-triangle", shows=("talk",), names_customer=False
    ),
    EventKind(
        "message.settled",
        lazy("Message settled"),
        "check",
        lambda e: (
            "check",
            _("Settled: it arrived") if e.data("arrived") else _("Settled: sent again"),
            e.data("to"),
        ),
        shows=("talk",),
    ),
)
