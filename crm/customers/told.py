"""What happens to contacts and companies, as people read it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.events.kinds import EventKind, register
from crm.items.customers import FOUND, shown

register(
    EventKind(
        "contact.erased",
        lazy("Personal data erased"),
        "trash",
        lambda e: ("trash", _("Personal data erased at the customer's request, receipt %s") % e.data("receipt"), ""),
        shows=("changes",),
        names_customer=False,
    ),
    EventKind(
        "refusal.lifted",
        lazy("A refusal was lifted"),
        "mail",
        lambda e: (
            "mail",
            _("%(address)s may be written to again") % {"address": e.data("address")},
            e.data("why"),
        ),
        conceals=("address",),
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
        names_customer=False,
    ),
    EventKind(
        "contact.merged",
        lazy("Contacts merged"),
        "git-merge",
        lambda e: ("git-merge", _("“%s” was merged into this contact") % e.data("name"), ""),
        names_customer=False,
    ),
    EventKind("company.merged", lazy("Companies merged"), "git-merge", names_customer=False),
    EventKind("contact.deleted", lazy("Contact deleted"), "trash", names_customer=False),
    EventKind("company.deleted", lazy("Company deleted"), "trash", names_customer=False),
    EventKind(
        FOUND,
        lazy("Customer found by what was typed"),
        "user",
        lambda e: ("user", _("Customer found by what was typed"), shown(e.data("typed", {}).values())),
        names_customer=False,
    ),
)
