"""Erasing a customer at their request: what goes, what stays for how long, and the receipt. In one transaction.

Whoever is erased is remembered by keyed hashes alone: in the receipt, and in a file of the data folder that no dump of the
database holds, since a restored database does not know what was erased after it was made (`manage.py restored`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from crm import slots
from crm.customers.receipts import ErasureReceipt
from crm.events.models import Cause
from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.marks import keyed_hash, keyed_hashes
from crm.ground.refused import Forbidden, Refused
from crm.ground.sentences import said
from crm.items import customer_rights, search_index
from crm.items.erasure import Subject, remove
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.people.models import Contact, User
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.work.leased import UNSTARTED
from crm.work.models import Job


@dataclass(frozen=True)
class Line:
    """One line of the preview."""

    label: Any
    count: int
    becomes: Any


def list_file() -> Path:
    """Where it is kept who was erased."""
    return Path(settings.VAR_DIR) / "erased.jsonl"


def preview(contact: Contact) -> list[Line]:
    """What goes and what stays, as things stand."""
    subject = Subject(contact)
    lines = [Line(data.label, data.rows(subject).count(), data.becomes) for data in slots.personal_data if data.counts]
    return [line for line in lines if line.count]


def barred(contact: Contact) -> str:
    """Why it cannot be done now, in a sentence; empty: it can."""
    subject = Subject(contact)
    return next((words for bar in slots.erasure_bars if (words := bar(subject))), "")


def check_rights(contact: Contact, by: User) -> None:
    """Whoever erases may delete the customer and every card of theirs. Raises Forbidden."""
    customer_rights.require(by, "delete", contact)
    for item in Item._base_manager.filter(contact=contact).select_related("pipeline"):
        if not rights.allows(by, machine_of(item.pipeline_id), "delete", item):
            raise Forbidden(said("erasure.rights", "It takes the right to delete every card of the customer."))


def erase(contact: Contact, *, by: User | None, why: str = "", cause: Cause = Cause()) -> ErasureReceipt:
    """Erase what the contact said and is.

    Args:
        by: whose rights count; None: the system, which erases again after a restore.
        why: how it was asked for; no word of the customer's.
    Raises Forbidden, Refused with the reason (an invoice is still open).
    """
    return databases.persistently(lambda: _erase(contact.pk, by, why, cause))


def _erase(pk: int, by: User | None, why: str, cause: Cause) -> ErasureReceipt:
    with transaction.atomic():
        list(databases.lock(Item._base_manager.filter(contact=pk).order_by("pk")).values_list("pk", flat=True))
        contact = databases.lock(Contact.objects.filter(pk=pk)).first()
        if contact is None:
            raise Refused(said("erasure.gone", "This customer is not there any more."))
        if by is not None:
            check_rights(contact, by)
        reason = barred(contact) if by is not None else ""
        if reason:
            raise Refused(reason)
        subject = Subject(contact)
        _cancel(subject)
        counts, files = _erase_rows(subject)
        marks = _marks(subject)
        _empty(contact)
        receipt = ErasureReceipt.objects.create(contact_id=pk, by=by, why=why[:300], counts=counts, marks=marks)
        record("contact.erased", contact=contact, actor=by, cause=cause, payload={"receipt": receipt.pk})
        search_index.plan_compacting(f"receipt:{receipt.pk}")
        _write_down(marks)
        transaction.on_commit(partial(_confirm, marks["id"]))
        transaction.on_commit(partial(remove, files))
    return receipt


def _cancel(subject: Subject) -> None:
    for begins in slots.erasure_begins:
        begins(subject)
    # Nobody is to ring or meet somebody without a name.
    tasks = Task.objects.open().filter(item__in=subject.items)
    tasks.update(status=Task.Status.CANCELLED, closed_at=clock.now())
    waiting = Job.objects.filter(item__in=subject.items, status__in=UNSTARTED)
    Job.cancel(list(waiting.values_list("pk", flat=True)), said("erased", "the customer was erased"))


def _erase_rows(subject: Subject) -> tuple[dict[str, int], list[tuple[Any, str]]]:
    counts: dict[str, int] = {}
    files: list[tuple[Any, str]] = []
    for data in slots.personal_data:
        count, some = data.erase(subject)
        files += some
        if count and data.counts:
            counts[str(data.label)] = counts.get(str(data.label), 0) + count
    return counts, files


def _empty(contact: Contact) -> None:
    contact.name = str(said("erasure.name", "Erased customer")) + f" {contact.pk}"
    contact.address_as, contact.zone, contact.custom = "", "", {}
    contact.no_email = contact.no_sms = True
    contact.company = None
    contact.erased_at = clock.now()
    contact.save()
    contact.tags.clear()
    for item in Item.contacts.through.objects.filter(contact=contact.pk):
        item.delete()


# ---------------------------------------------------------------------- who was erased


def _marks(subject: Subject) -> dict[str, Any]:
    """Keyed hashes of the id (with the moment of its making: ids come again after a restore), name, addresses, numbers."""
    reach = [keyed_hash("reach", value) for value in [*subject.emails, *subject.numbers]]
    contact = subject.contact
    return {
        "at": clock.now().isoformat(),
        "id": keyed_hash("id", f"{contact.pk}:{contact.created_at.isoformat()}"),
        "name": keyed_hash("name", subject.name.casefold()),
        "reach": sorted(reach),
    }


def _write_down(marks: dict[str, Any]) -> None:
    """Before the commit, as something that is intended; only what was confirmed after it is erased again."""
    _append(marks)


def _confirm(mark: str) -> None:
    _append({"id": mark, "confirmed": True})


def _append(marks: dict[str, Any]) -> None:
    line = (json.dumps(marks, separators=(",", ":")) + "\n").encode()
    list_file().parent.mkdir(parents=True, exist_ok=True)
    file = os.open(list_file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line)
        os.fsync(file)
    finally:
        os.close(file)


def erased_again() -> Iterator[Contact]:
    """After a restore: erases everybody whom the file names and the database still knows. Yields each.

    Whoever came after that moment is a new customer, even with an address of old. Raises FileNotFoundError.
    """
    lines = [json.loads(line) for line in list_file().read_text().splitlines() if line.strip()]
    certain = {line["id"] for line in lines if line.get("confirmed")}
    known = [line for line in lines if "reach" in line and line["id"] in certain]
    by_id = {marks["id"]: marks for marks in known}
    by_name: dict[str, list[dict[str, Any]]] = {}
    for marks in known:
        by_name.setdefault(marks["name"], []).append(marks)
    for contact in Contact.objects.filter(erased_at=None).order_by("pk").iterator(500):
        if _was_erased(contact, by_id, by_name):
            erase(contact, by=None, why="restored")
            yield contact


def unconfirmed() -> list[str]:
    """Moments (ISO) of erasures that began and were perhaps taken back; a person has to look. Raises FileNotFoundError."""
    lines = [json.loads(line) for line in list_file().read_text().splitlines() if line.strip()]
    certain = {line["id"] for line in lines if line.get("confirmed")}
    return [line["at"] for line in lines if "reach" in line and line["id"] not in certain]


def _was_erased(contact: Contact, by_id: dict[str, Any], by_name: dict[str, Any]) -> bool:
    if any(mark in by_id for mark in keyed_hashes("id", f"{contact.pk}:{contact.created_at.isoformat()}")):
        return True
    born = contact.created_at.isoformat()
    namesakes = [
        marks
        for mark in keyed_hashes("name", contact.name.casefold())
        for marks in by_name.get(mark, ())
        if born <= marks["at"]
    ]
    if not namesakes:
        return False
    values = [row.address for row in contact.emails.all()] + [row.number for row in contact.phones.all()]
    reach = {mark for value in values for mark in keyed_hashes("reach", value)}
    return any(reach & set(marks["reach"]) for marks in namesakes)
