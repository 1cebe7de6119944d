"""What the lowest layer itself registers: its workers, kinds of jobs and transports."""

from typing import Any

from crm import (
    accounts,
    archiving,
    audit,
    bell,
    digest,
    form_uses,
    health,
    recycle_bin,
    retiring,
    sending,
    slots,
    submissions,
    webhooks,
)
from crm.api import idempotency
from crm.company.models import OwnCompany, SystemSwitches
from crm.importing import uses as import_uses
from crm.importing import work as importing
from crm.mail import imap
from crm.mail import uses as mail_uses
from crm.models import boards
from crm.told import customers, forms, items, messages, work
from crm.transports import delivery_service, outbox, smtp, twilio
from crm.work import jobs


def _products(item: Any, user: Any) -> Any:
    """Views are not loaded before all applications are."""
    from crm.views import lines

    return lines.tab(item, user)


slots.home_country.register(OwnCompany.home_country)
slots.automation_paused.register(SystemSwitches.paused)
slots.held_back.register(accounts.lacks_second_factor)
slots.batches.register(boards.collecting)
slots.event_interest.register(webhooks.wanted)
slots.item_tabs.register(_products)

__all__ = [
    "archiving",
    "audit",
    "bell",
    "customers",
    "delivery_service",
    "digest",
    "form_uses",
    "forms",
    "health",
    "idempotency",
    "imap",
    "import_uses",
    "importing",
    "items",
    "jobs",
    "mail_uses",
    "messages",
    "outbox",
    "recycle_bin",
    "retiring",
    "sending",
    "smtp",
    "submissions",
    "twilio",
    "webhooks",
    "work",
]
