"""A contact or company that goes for good, with its files."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from crm.events.record import record
from crm.ground import databases
from crm.ground.refused import Refused
from crm.ground.sentences import said
from crm.items import customer_rights
from crm.items.models.items import Item
from crm.messages.models.files import Attachment, RawMail
from crm.messages.models.messages import Message
from crm.people.models import Company, Contact, User


def delete(customer: Contact | Company, *, by: User) -> None:
    """For good, with its addresses and conversations. Raises Forbidden; Refused while cards hang on it."""

    def work() -> None:
        customer_rights.require(by, "delete", customer)
        kind = str(customer._meta.model_name)
        locked: Any = databases.lock(type(customer)._default_manager.filter(pk=customer.pk)).first()
        if locked is None:
            return
        # What was written on cards of others since would go with him.
        talked = kind == "contact" and Message.objects.filter(contact=customer.pk, item__isnull=False).exists()
        if talked or Item.objects.filter(**{kind: customer}).exists():
            words = said(
                "customer.has_cards",
                "“%s” has cards, perhaps in the recycle bin. Give them another customer first, or merge the two.",
            )
            raise Refused(words % customer.name)
        if kind == "contact":
            _delete_files(customer.pk)
        record(f"{kind}.deleted", actor=by, payload={"name": customer.name, kind: customer.pk})
        locked.delete()

    databases.persistently(work)


def _delete_files(contact: int) -> None:
    """Of mails that go with their customer, once that is certain."""
    theirs = Message.objects.filter(contact=contact)
    kept = [row.file for rows in (Attachment, RawMail) for row in rows.objects.filter(message__in=theirs)]
    transaction.on_commit(lambda: [file.delete(save=False) for file in kept])
