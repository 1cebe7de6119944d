"""What goes out, and how rows are shown. Money is text with a dot; moments are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, Field

from crm.events.models import Event
from crm.ground.characters import is_blank
from crm.ground.dates import check_year
from crm.ground.decimals import Unreadable
from crm.ground.phones import PhoneNumber
from crm.ground.sentences import for_programs
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.messages.models.messages import Message
from crm.people.models import Company, Contact
from crm.pipelines.models import Stage

T = TypeVar("T")


def _in_years(value: date) -> date:
    try:
        check_year(value)
        if isinstance(value, datetime) and value.tzinfo is not None:
            check_year(value.astimezone(UTC))
    except ValidationError as error:
        raise ValueError(error.messages[0]) from error
    except OverflowError as error:
        raise ValueError(str(error)) from error
    return value


# Days and moments that a program sends, within the years that every page can show.
Day = Annotated[date, AfterValidator(_in_years)]
Moment = Annotated[datetime, AfterValidator(_in_years)]
AwareMoment = Annotated[AwareDatetime, AfterValidator(_in_years)]


def _visible(text: str) -> str:
    if is_blank(text):
        raise ValueError(str(_("This may not be empty.")))
    return text


# A text of which something can be seen: titles, names.
Visible = Annotated[str, AfterValidator(_visible)]


class Page(Schema, Generic[T]):
    items: list[T]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


def moment(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat() if value else None


class StageOut(Schema):
    id: int
    pipeline: int
    name: str
    kind: str
    order: int
    colour: str
    probability: int


def stage_out(stage: Stage) -> dict[str, Any]:
    return {
        "id": stage.pk,
        "pipeline": stage.pipeline_id,
        "name": stage.name,
        "kind": stage.kind,
        "order": stage.order,
        "colour": stage.colour,
        "probability": stage.probability,
    }


class ItemOut(Schema):
    id: int
    version: int = Field(description="Send it back with a change or a move; an older one is refused as *stale*.")
    type: int
    title: str
    pipeline: int
    stage: int
    stage_name: str
    owner: int | None
    contact: int | None
    company: int | None
    amount: str | None
    unreadable: list[str] = Field(default=[], description="Fields whose stored value is broken; they are null here.")
    currency: str
    probability: int | None
    source: str
    due_date: str | None
    lost_reason: str
    lost_note: str
    custom: dict[str, Any]
    stage_entered_at: str | None
    next_activity_at: str | None
    created_at: str | None
    closed_at: str | None


def item_out(item: Item, stage: Stage | None = None) -> dict[str, Any]:
    """`stage`: the item's own, where the caller has it at hand."""
    unreadable = [name for name in ("amount",) if isinstance(getattr(item, name), Unreadable)]
    return {
        "id": item.pk,
        "version": item.version,
        "type": item.item_type_id,
        "title": item.title,
        "pipeline": item.pipeline_id,
        "stage": item.stage_id,
        "stage_name": (stage or item.stage).name,
        "owner": item.owner_id,
        "contact": item.contact_id,
        "company": item.company_id,
        "amount": None if item.amount is None or "amount" in unreadable else str(item.amount),
        "unreadable": unreadable,
        "currency": item.currency,
        "probability": item.probability,
        "source": item.source,
        "due_date": item.due_date.isoformat() if item.due_date else None,
        "lost_reason": item.lost_reason.name if item.lost_reason else "",
        "lost_note": item.lost_note,
        "custom": item.custom,
        "stage_entered_at": moment(item.stage_entered_at),
        "next_activity_at": moment(item.next_activity_at),
        "created_at": moment(item.created_at),
        "closed_at": moment(item.closed_at),
    }


class EventOut(Schema):
    id: int
    kind: str
    item: int | None
    contact: int | None
    actor: int | None
    who: str
    automatic: bool
    payload: dict[str, Any]
    created_at: str | None


def event_out(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "kind": event.kind,
        "item": event.item_id,
        "contact": event.contact_id,
        "actor": event.actor_id,
        "who": event.who(),
        "automatic": event.automatic,
        # Who else has a number is told by rights, on pages only.
        "payload": {name: value for name, value in event.payload.items() if name != "also"},
        "created_at": moment(event.created_at),
    }


class ContactOut(Schema):
    id: int
    name: str
    address_as: str
    language: str
    zone: str
    company: int | None
    owner: int | None
    phones: list[str]
    emails: list[str]
    no_email: bool
    no_sms: bool
    tags: list[str]
    custom: dict[str, Any]
    created_at: str | None


def contact_out(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.pk,
        "name": contact.name,
        "address_as": contact.address_as,
        "language": contact.language,
        "zone": contact.zone,
        "company": contact.company_id,
        "owner": contact.owner_id,
        "phones": [PhoneNumber(row.number, row.extension).whole for row in contact.phones.all()],
        "emails": [row.address for row in contact.emails.all()],
        "no_email": contact.no_email,
        "no_sms": contact.no_sms,
        "tags": [tag.name for tag in contact.tags.all()],
        "custom": contact.custom,
        "created_at": moment(contact.created_at),
    }


class CompanyOut(Schema):
    id: int
    name: str
    tax_number: str
    phone: str
    email: str
    address: str
    owner: int | None
    tags: list[str]
    custom: dict[str, Any]
    created_at: str | None


def company_out(company: Company) -> dict[str, Any]:
    return {
        "id": company.pk,
        "name": company.name,
        "tax_number": company.tax_number,
        "phone": company.phone,
        "email": company.email,
        "address": company.address,
        "owner": company.owner_id,
        "tags": [tag.name for tag in company.tags.all()],
        "custom": company.custom,
        "created_at": moment(company.created_at),
    }


class TaskOut(Schema):
    id: int
    kind: str
    title: str
    description: str
    status: str
    item: int | None
    assignee: int | None
    deadline: str | None
    minutes: int
    place: str
    invited: str
    answer: str
    created_at: str | None
    closed_at: str | None


def task_out(task: Task) -> dict[str, Any]:
    invite = getattr(task, "invite", None) if task.kind == Task.Kind.MEETING else None
    return {
        "id": task.pk,
        "kind": task.kind,
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "item": task.item_id,
        "assignee": task.assignee_id,
        "deadline": moment(task.deadline),
        "minutes": task.minutes,
        "place": task.place,
        "invited": invite.address if invite else "",
        "answer": invite.answer if invite else "",
        "created_at": moment(task.created_at),
        "closed_at": moment(task.closed_at),
    }


class Reasoned(Schema):
    """Why it went as it did. `error` is the same text as `reason`, and stays for programs that read it."""

    error: str
    reason: str
    reason_code: str
    reason_values: dict[str, Any]


def reason_out(sentence: Any) -> dict[str, Any]:
    """In the token user's language; code and values are the same in all of them."""
    told = for_programs(sentence)
    return {"error": told["reason"], **told}


class MessageOut(Reasoned):
    id: int
    medium: str
    to: str
    subject: str
    text: str
    status: str
    item: int | None
    contact: int | None
    created_at: str | None
    sent_at: str | None


def message_out(message: Message) -> dict[str, Any]:
    return {
        "id": message.pk,
        "medium": message.channel.medium,
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "status": message.status,
        **reason_out(message.error),
        "item": message.item_id,
        "contact": message.contact_id,
        "created_at": moment(message.created_at),
        "sent_at": moment(message.sent_at),
    }
