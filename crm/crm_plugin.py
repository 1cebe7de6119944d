"""What the lowest layer itself registers: its workers, kinds of jobs and transports."""

from typing import Any

from crm import slots
from crm.account import adapters as accounts
from crm.account import audit
from crm.api import idempotency
from crm.api import personal_data as api_data
from crm.board import recycle_bin
from crm.board.api import calls as call_api
from crm.board.api import fields as field_api
from crm.board.api import items as item_api
from crm.board.api import messages as message_api
from crm.board.api import tasks as task_api
from crm.company.models import OwnCompany, SystemSwitches
from crm.customers import api as people_api
from crm.customers import told as customers
from crm.frame import health
from crm.importing import personal_data as import_data
from crm.importing import uses as import_uses
from crm.importing import work as importing
from crm.items import archiving, customer_rights, retiring
from crm.items import personal_data as item_data
from crm.items import told as items
from crm.items import told_work as work
from crm.messages import personal_data as message_data
from crm.messages import sending
from crm.messages import told as messages
from crm.messages.mail import imap
from crm.messages.mail import uses as mail_uses
from crm.messages.transports import delivery_service, outbox, smtp, twilio
from crm.notices import bell, digest
from crm.notices import personal_data as notice_data
from crm.pipelines import boards, retyping
from crm.webforms import api as form_api
from crm.webforms import personal_data as form_data
from crm.webforms import submissions
from crm.webforms import told as forms
from crm.webforms import uses as form_uses
from crm.webhooks import api as hook_api
from crm.webhooks import calls as webhooks
from crm.webhooks import personal_data as hook_data
from crm.work import jobs


def _products(item: Any, user: Any) -> Any:
    """Views are not loaded before all applications are."""
    from crm.board.views import lines

    return lines.tab(item, user)


slots.customer_reach.register(customer_rights.within)
slots.home_country.register(OwnCompany.home_country)
slots.automation_paused.register(SystemSwitches.paused)
slots.held_back.register(accounts.lacks_second_factor)
slots.batches.register(boards.collecting)
slots.event_interest.register(webhooks.wanted)
slots.item_tabs.register(_products)
for _api in (item_api, field_api, people_api, task_api, message_api, call_api, form_api, hook_api):
    slots.api_routers.register(_api.router)

__all__ = [
    "api_data",
    "archiving",
    "audit",
    "bell",
    "customers",
    "delivery_service",
    "digest",
    "form_data",
    "form_uses",
    "forms",
    "health",
    "hook_data",
    "idempotency",
    "imap",
    "import_data",
    "import_uses",
    "importing",
    "item_data",
    "items",
    "jobs",
    "mail_uses",
    "message_data",
    "messages",
    "notice_data",
    "outbox",
    "recycle_bin",
    "retiring",
    "retyping",
    "sending",
    "smtp",
    "submissions",
    "twilio",
    "webhooks",
    "work",
]
