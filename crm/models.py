"""The rows of the CRM, one module for each noun."""

from crm.api.models import ApiCall, ApiToken
from crm.company.models import (
    CalendarException,
    CalendarHours,
    Department,
    OwnCompany,
    SystemSwitches,
    WorkingCalendar,
)
from crm.company.rates import CurrencyRate
from crm.customers.receipts import ErasureReceipt
from crm.events.models import Cause, Event
from crm.ground.refused import Forbidden, Gone, Refused
from crm.importing.models import Import, ImportRow
from crm.items.models.gate import Moved, NeedsInput, Stale
from crm.items.models.items import Item
from crm.items.models.lines import LineItem, Product, TaxRate
from crm.items.models.profit import Profit
from crm.items.models.proxies import Deal, Invoice, Lead, Quote
from crm.items.models.saved_views import SavedView
from crm.items.models.tasks import Task
from crm.items.models.visits import StageVisit
from crm.messages.models.files import Attachment, RawMail
from crm.messages.models.invites import Invite
from crm.messages.models.mail_templates import MailTemplate
from crm.messages.models.mailboxes import Mailbox
from crm.messages.models.messages import Channel, Conversation, Medium, Message, MessageLink
from crm.messages.models.refusals import Refusal
from crm.notices.models.feed import Post
from crm.notices.models.notifications import Notification
from crm.people.exceptions import SenderException
from crm.people.models import Company, Contact, Tag, User
from crm.people.reach import ContactEmail, ContactPhone
from crm.pipelines.custom_fields import CustomField
from crm.pipelines.models import (
    BoardVersion,
    ColumnVersion,
    ItemType,
    LostReason,
    Pipeline,
    Stage,
    StageKind,
    StageTransition,
)
from crm.pipelines.roles import CustomerRight, Role, RoleRight
from crm.webforms.models import Consent, FormField, Submission, WebForm
from crm.webhooks.models import InboundCall, InboundHook, Webhook, WebhookDelivery
from crm.work.models import Job

__all__ = [
    "ApiCall",
    "ApiToken",
    "Attachment",
    "BoardVersion",
    "CalendarException",
    "CalendarHours",
    "Cause",
    "Channel",
    "ColumnVersion",
    "Company",
    "Consent",
    "Contact",
    "ContactEmail",
    "ContactPhone",
    "Conversation",
    "CurrencyRate",
    "CustomField",
    "CustomerRight",
    "Deal",
    "Department",
    "ErasureReceipt",
    "Event",
    "Forbidden",
    "FormField",
    "Gone",
    "Import",
    "ImportRow",
    "InboundCall",
    "InboundHook",
    "Invite",
    "Invoice",
    "Item",
    "ItemType",
    "Job",
    "Lead",
    "LineItem",
    "LostReason",
    "MailTemplate",
    "Mailbox",
    "Medium",
    "Message",
    "MessageLink",
    "Moved",
    "NeedsInput",
    "Notification",
    "OwnCompany",
    "Pipeline",
    "Post",
    "Product",
    "Profit",
    "Quote",
    "RawMail",
    "Refusal",
    "Refused",
    "Role",
    "RoleRight",
    "SavedView",
    "SenderException",
    "Stage",
    "StageKind",
    "StageTransition",
    "StageVisit",
    "Stale",
    "Submission",
    "SystemSwitches",
    "Tag",
    "Task",
    "TaxRate",
    "User",
    "WebForm",
    "Webhook",
    "WebhookDelivery",
    "WorkingCalendar",
]
