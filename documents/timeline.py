"""Our events as people read them."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.models import Event
from crm.shown import money

Shown = tuple[str, str, str]


def _paper(icon: str, sentence: str) -> Callable[[Event], Shown]:
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


TOLD: dict[str, Callable[[Event], Shown]] = {
    "document.created": _paper("file-text", lazy("%(document)s was made")),
    "document.sent": _paper("send", lazy("%(document)s was sent")),
    "document.opened": _paper("eye", lazy("The customer opened %(document)s")),
    "document.signed": _paper("circle-check", lazy("%(document)s was accepted")),
    "document.declined": _paper("circle-x", lazy("%(document)s was declined")),
    "document.voided": _paper("file-x", lazy("%(document)s is void")),
    "qr.created": lambda e: (
        "qrcode",
        _("QR code “%s” was made") % e.data("name"),
        f"{e.data('link')}\n{e.data('picture')}",
    ),
    "qr.scanned": lambda e: ("qrcode", _("The QR code “%s” was scanned") % e.data("name"), ""),
    "invoice.created": lambda e: (
        "file-text",
        _("Invoice %(number)s over %(total)s")
        % {"number": e.data("number"), "total": money(e.data("total"), e.data("currency"))},
        "",
    ),
    "invoice.paid": _paid,
    "invoice.credited": _credited,
    "invoice.unsent": lambda e: ("send", _("%s has been ready for a day, and was not sent") % e.data("title"), ""),
    "invoice.unsent_due": lambda e: ("send", _("%s is due, and was never sent") % e.data("title"), ""),
    "invoice.refunded": _paid,
    "invoice.overdue": lambda e: (
        "clock",
        _("%(invoice)s is overdue, open: %(open)s")
        % {"invoice": e.data("title"), "open": money(e.data("open"), e.data("currency"))},
        "",
    ),
}


def told(event: Event) -> Shown | None:
    renderer = TOLD.get(event.kind)
    return renderer(event) if renderer else None
