"""Our events as people read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.events.kinds import EventKind, Shown, register
from crm.ground.shown import money
from crm.models import Event


def _paper(icon: str, sentence: Any) -> Callable[[Event], Shown]:
    def shown(event: Event) -> Shown:
        words = {"document": f"{event.data('title')} {event.data('number')}"}
        return icon, str(sentence) % words, event.data("note") or ""

    return shown


def _paid(event: Event) -> Shown:
    currency = event.data("currency")
    words = {"amount": money(event.data("amount").removeprefix("-"), currency), "invoice": event.data("title")}
    if event.kind == "invoice.refunded":
        return "coin", _("%(amount)s paid back, %(invoice)s") % words, ""
    part = _("%(paid)s of %(total)s") % {
        "paid": money(event.data("paid"), currency),
        "total": money(event.data("total"), currency),
    }
    return "coin", _("%(amount)s paid, %(invoice)s") % words, "" if event.data("full") else part


def _credited(event: Event) -> Shown:
    words = {
        "number": event.data("number"),
        "amount": money(event.data("amount"), event.data("currency")),
        "corrects": event.data("corrects"),
    }
    return "file-text", _("Credit note %(number)s over %(amount)s for %(corrects)s") % words, event.data("reason")


register(
    EventKind(
        "document.created",
        lazy("Paper made"),
        "file-text",
        _paper("file-text", lazy("%(document)s was made")),
        conceals=(),
        names_customer=False,
    ),
    EventKind(
        "document.sent",
        lazy("Paper sent"),
        "send",
        _paper("send", lazy("%(document)s was sent")),
        conceals=(),
        names_customer=False,
        is_activity=True,
    ),
    EventKind(
        "document.opened",
        lazy("Paper opened by the customer"),
        "eye",
        _paper("eye", lazy("The customer opened %(document)s")),
        conceals=(),
        names_customer=False,
        is_activity=True,
    ),
    EventKind(
        "document.signed",
        lazy("Paper accepted"),
        "circle-check",
        _paper("circle-check", lazy("%(document)s was accepted")),
        conceals=("note",),
        is_activity=True,
    ),
    EventKind(
        "document.declined",
        lazy("Paper declined"),
        "circle-x",
        _paper("circle-x", lazy("%(document)s was declined")),
        conceals=("note",),
        is_activity=True,
    ),
    EventKind(
        "document.voided",
        lazy("Paper made void"),
        "file-x",
        _paper("file-x", lazy("%(document)s is void")),
        conceals=(),
        names_customer=False,
    ),
    EventKind(
        "qr.created",
        lazy("QR code made"),
        "qrcode",
        lambda e: (
            "qrcode",
            _("QR code “%s” was made") % e.data("name"),
            f"{e.data('link')}\n{e.data('picture')}",
        ),
        conceals=(),
        names_customer=False,
    ),
    EventKind(
        "qr.scanned",
        lazy("QR code scanned"),
        "qrcode",
        lambda e: ("qrcode", _("The QR code “%s” was scanned") % e.data("name"), ""),
        conceals=(),
        names_customer=False,
    ),
    EventKind(
        "invoice.created",
        lazy("Invoice made"),
        "file-text",
        lambda e: (
            "file-text",
            _("Invoice %(number)s over %(total)s")
            % {"number": e.data("number"), "total": money(e.data("total"), e.data("currency"))},
            "",
        ),
        conceals=(),
        names_customer=False,
    ),
    EventKind("invoice.paid", lazy("Invoice paid"), "coin", _paid, conceals=(), names_customer=False, is_activity=True),
    EventKind("invoice.credited", lazy("Credit note made"), "file-text", _credited, conceals=(), names_customer=False),
    EventKind(
        "invoice.unsent",
        lazy("Invoice not sent"),
        "send",
        lambda e: ("send", _("%s has been ready for a day, and was not sent") % e.data("title"), ""),
        conceals=(),
        names_customer=False,
    ),
    EventKind(
        "invoice.unsent_due",
        lazy("Invoice due and not sent"),
        "send",
        lambda e: ("send", _("%s is due, and was never sent") % e.data("title"), ""),
        conceals=(),
        names_customer=False,
    ),
    EventKind("invoice.refunded", lazy("Payment given back"), "coin", _paid, conceals=(), names_customer=False),
    EventKind(
        "invoice.overdue",
        lazy("Invoice overdue"),
        "clock",
        lambda e: (
            "clock",
            _("%(invoice)s is overdue, open: %(open)s")
            % {"invoice": e.data("title"), "open": money(e.data("open"), e.data("currency"))},
            "",
        ),
        conceals=(),
        names_customer=False,
    ),
)
