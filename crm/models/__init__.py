"""The rows of the CRM, one module for each noun."""

from crm.company.models import (
    CalendarException,
    CalendarHours,
    Department,
    OwnCompany,
    SystemSwitches,
    WorkingCalendar,
)
from crm.company.rates import CurrencyRate
from crm.events.models import Cause, Event
from crm.ground.refused import Forbidden, Gone, Refused
from crm.models.api import ApiCall, ApiToken
from crm.models.feed import Post
from crm.models.fields import CustomField
from crm.models.files import Attachment, RawMail
from crm.models.gate import Moved, NeedsInput, Stale
from crm.models.imports import Import, ImportRow
from crm.models.items import Item
from crm.models.lines import LineItem, Product, TaxRate
from crm.models.mail_templates import MailTemplate
from crm.models.mailboxes import Mailbox
from crm.models.messages import Channel, Conversation, Medium, Message, MessageLink
from crm.models.notifications import Notification
from crm.models.people import Company, Contact, Tag, User
from crm.models.pipelines import (
    BoardVersion,
    ColumnVersion,
    ItemType,
    LostReason,
    Pipeline,
    Stage,
    StageKind,
    StageTransition,
)
from crm.models.proxies import Deal, Invoice, Lead, Quote
from crm.models.reach import ContactEmail, ContactPhone
from crm.models.refusals import Refusal
from crm.models.roles import CustomerRight, Role, RoleRight
from crm.models.saved_views import SavedView
from crm.models.tasks import Task
from crm.models.visits import StageVisit
from crm.models.webforms import Consent, FormField, Submission, WebForm
from crm.models.webhooks import InboundCall, InboundHook, Webhook, WebhookDelivery
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
    "Event",
    "Forbidden",
    "FormField",
    "Gone",
    "Import",
    "ImportRow",
    "InboundCall",
    "InboundHook",
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
    "Quote",
    "RawMail",
    "Refusal",
    "Refused",
    "Role",
    "RoleRight",
    "SavedView",
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
