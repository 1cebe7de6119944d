"""What happens to contacts and companies, as people read it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.events.kinds import EventKind, register
from crm.items.customers import FOUND, shown

register(
    EventKind(
        "refusal.lifted",
        lazy("A refusal was lifted"),
        "mail",
        lambda e: (
            "mail",
            _("%(address)s may be written to again") % {"address": e.data("address")},
            e.data("why"),
        ),
    ),
    EventKind(
        "contact.split",
        lazy("Contact split"),
        "users",
        lambda e: (
            "users",
            (_("“%s” was split off this contact") if e.data("made") else _("Split off “%s”")) % e.data("name"),
            "",
        ),
    ),
    EventKind(
        "contact.merged",
        lazy("Contacts merged"),
        "git-merge",
        lambda e: ("git-merge", _("“%s” was merged into this contact") % e.data("name"), ""),
    ),
    EventKind("company.merged", lazy("Companies merged"), "git-merge"),
    EventKind("contact.deleted", lazy("Contact deleted"), "trash"),
    EventKind("company.deleted", lazy("Company deleted"), "trash"),
    EventKind(
        FOUND,
        lazy("Customer found by what was typed"),
        "user",
        lambda e: ("user", _("Customer found by what was typed"), shown(e.data("typed", {}).values())),
    ),
)
