"""Imports at work: checked, taken in, taken back; a slice of rows a job, so that others get their turn."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, OperationalError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.events.notice import notify
from crm.events.record import plain
from crm.ground import clock, databases
from crm.ground.refused import Refused
from crm.ground.sentences import said
from crm.importing.companies import CompanyMaker
from crm.importing.contacts import ContactMaker
from crm.importing.items import ItemMaker
from crm.importing.making import Maker, WrongRow
from crm.importing.models import Import, ImportRow
from crm.items import customer_rights
from crm.items.models.items import Item
from crm.people.models import Company, Contact
from crm.people.reach import ContactEmail, ContactPhone
from crm.webforms.models import Consent, Submission
from crm.work import lanes
from crm.work.models import Job
from crm.work.queue import Kind, register_kind

log = logging.getLogger("dealwright.importing")

SLICE = 200
# How long one job holds its transaction; on SQLite everybody else who writes waits for it.
SLICE_SECONDS = 0.25
Status = Import.Status
Outcome = ImportRow.Outcome
NEXT = {Status.CHECKING: Status.CHECKED, Status.RUNNING: Status.DONE, Status.REVERTING: Status.REVERTED}


def start(work: Import, status: str) -> None:
    """From now on a worker goes through the rows. Call it inside a transaction that holds the import's row."""
    going_on = work.status == Status.FAILED and work.phase == status
    work.status, work.phase, work.error, work.finished_at = status, status, "", None
    if not going_on:
        work.position = 0
    work.save()
    if status != Status.REVERTING and not going_on:
        work.rows.update(outcome=Outcome.NONE, reason="", made={})
    _plan(work)


def _plan(work: Import) -> None:
    moment = int(clock.now().timestamp())
    Job.plan(
        "import",
        f"import:{work.pk}:{work.status}:{work.position}:{moment}",
        payload={"import": work.pk},
        lane=lanes.BULK,
    )


def perform(job: Any) -> None:
    work = databases.lock(Import.objects.filter(pk=job.payload["import"])).first()
    if work is None or not work.is_working:
        return
    with translation.override(work.user.language), timezone.override(work.user.zone):
        _slices(work)
    if work.position >= work.total:
        work.status, work.finished_at = NEXT[Status(work.status)], clock.now()
        if work.status != Status.CHECKED:
            words = {"name": work.name, "status": Status(work.status).label}
            text = said("notice.import", "%(name)s: %(status)s") % words
            notify([work.user], text, kind="import", group=f"import:{work.pk}")
    work.save()
    if work.is_working:
        _plan(work)


MAKERS: dict[str, type[Maker]] = {maker.target: maker for maker in (ContactMaker, CompanyMaker, ItemMaker)}
KEPT = ("outcome", "reason", "made", "item", "contact", "company")


def _maker(work: Import, dry: bool) -> Maker:
    """A check that goes on in another turn knows what it supposed of the rows before."""
    maker = MAKERS[work.target](work)
    if dry and work.position:
        supposed = work.rows.filter(outcome__in=(Outcome.CREATED, Outcome.UPDATED), number__lte=work.position)
        for made in supposed.order_by("number").values_list("made", flat=True):
            maker.recall(made)
    return maker


def _slices(work: Import) -> None:
    """Rows in the order of the file (backwards when they are taken back) until the time is over."""
    backwards, dry = work.status == Status.REVERTING, work.status == Status.CHECKING
    maker = None if backwards else _maker(work, dry)
    end = time.monotonic() + SLICE_SECONDS  # after what a check recalls: each turn gets on by a slice at least
    while work.position < work.total:
        rows = work.rows.order_by("-number" if backwards else "number")
        if backwards:
            rows = rows.filter(number__lte=work.total - work.position)
        else:
            rows = rows.filter(number__gt=work.position)
        found, done = list(rows[:SLICE]), 0
        if maker is not None:
            maker.prepare(found)
        if maker is not None and not dry:
            done = _together(found, maker, end)
        for row in found if not done else ():
            if maker is None:
                _alone(row, lambda row: _back(row, work), work)
            elif dry:
                _tried(row, maker)
            else:
                _alone(row, maker.whole, work)
                if row.outcome == Outcome.FAILED and not isinstance(maker.ready[row.number], WrongRow):
                    maker.forget(found[done + 1 :])
            done += 1
            if time.monotonic() > end:
                break
        # An upsert, as Django's bulk_update builds a CASE of each row and column, which takes longer than the rows.
        if backwards:
            _forget_removed(found[:done])
        ImportRow.objects.bulk_create(found[:done], update_conflicts=True, unique_fields=["id"], update_fields=KEPT)
        work.position += done
        if time.monotonic() > end:
            return


def _forget_removed(rows: list[ImportRow]) -> None:
    """Two rows may have been about one person: the other row's hand took it away meanwhile."""
    kept = {row.pk: row for row in ImportRow.objects.filter(pk__in=[row.pk for row in rows])}
    for row in rows:
        for name in ("item_id", "contact_id", "company_id"):
            if getattr(kept[row.pk], name) is None:
                setattr(row, name, None)


def _together(found: list[ImportRow], maker: Maker, end: float) -> int:
    """The whole slice in one savepoint, as most are without a fault; 0 where one was, and each row goes alone."""
    done = 0
    try:
        with transaction.atomic():
            for row in found:
                wrong = maker.ready[row.number]
                if isinstance(wrong, WrongRow):
                    row.outcome, row.reason = Outcome.FAILED, str(wrong)[:300]
                else:
                    maker.row(row, False)
                done += 1
                if time.monotonic() > end:
                    break
            maker.batch.flush()
    except OperationalError:
        raise  # a deadlock or a lost connection is no row's fault
    except Exception as error:
        log.info("a slice of an import is taken apart: %s", error)
        found[:] = list(ImportRow.objects.filter(pk__in=[row.pk for row in found]).order_by("number"))
        maker.forget(found)
        return 0
    return done


def _tried(row: ImportRow, maker: Maker) -> None:
    """A row of the check: it writes nothing, so it needs no savepoint."""
    try:
        maker.row(row, True)
    except (WrongRow, Refused) as error:
        row.outcome, row.reason = Outcome.FAILED, str(error)[:300]


def _alone(row: ImportRow, each: Any, work: Import) -> None:
    """A savepoint for each row: one that fails spoils no other."""
    before = {name: getattr(row, name) for name in ("outcome", "made", "item", "contact", "company")}
    try:
        with transaction.atomic():
            each(row)
        return
    except (WrongRow, Refused) as error:
        reason = str(error)
    except (IntegrityError, DataError) as error:
        # The row's own fault, and its savepoint is gone; a lost connection or a deadlock is the whole slice's.
        log.warning("import row %s: %s", row.pk, error)
        reason = _("The database refuses this row: %s") % str(error).splitlines()[0]
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("import row %s", row.pk)
        reason = str(error) or repr(error)
    # Nothing of it stands; while an import is taken back its record and what it made stay known.
    for name, value in before.items():
        setattr(row, name, value)
    row.reason = reason[:300]
    if work.status != Status.REVERTING:
        row.outcome = Outcome.FAILED


def _lost(job: Any) -> None:
    Import.objects.filter(pk=job.payload["import"], status__in=Import.WORKING).update(
        status=Status.FAILED, error=job.error, finished_at=clock.now()
    )


register_kind(Kind("import", perform, lost=_lost))


# ---------------------------------------------------------------------- taking back


def _back(row: ImportRow, work: Import) -> None:
    if row.outcome == Outcome.CREATED:
        _remove(row, work)
    elif row.outcome == Outcome.UPDATED:
        _put_back(row, work)


def _remove(row: ImportRow, work: Import) -> None:
    """Cards go to the recycle bin, with the rights of who imports; people and firms only if nobody built on them."""
    row.reason = ""  # of an earlier try
    if row.item is not None and row.item.deleted_at is None:
        row.item.delete_softly(by=work.user, quiet=True)
    own = row.made.get("own")
    _take_reach(row)
    contacts = [*row.made.get("contacts", []), *([own] if row.contact_id and row.contact_id == own else [])]
    for contact in Contact.objects.filter(pk__in=contacts):
        if not customer_rights.allows(work.user, "edit", contact):
            row.reason = str(customer_rights.REFUSALS["edit"])
        elif _built_on(contact):
            row.reason = _("“%s” was kept: cards or messages belong to it.") % contact.name[:100]
        else:
            contact.delete()
    firms = [*row.made.get("companies", []), *([own] if row.company_id and row.company_id == own else [])]
    _remove_firms(row, firms)
    if not row.reason:
        row.item = row.contact = row.company = None
        row.outcome = Outcome.REVERTED


def _built_on(contact: Contact) -> bool:
    """Somebody wrote to the person, agreed something with them, sent a form, or linked another card."""
    return (
        contact.items.alive().exists()
        or contact.messages.exists()
        or contact.conversations.exists()
        or Consent.objects.filter(contact=contact).exists()
        or Submission.objects.filter(contact=contact).exists()
        or Item.contacts.through.objects.filter(contact=contact).exists()
    )


def _remove_firms(row: ImportRow, ids: list[int]) -> None:
    for company in Company.objects.filter(pk__in=ids):
        if not customer_rights.allows(row.parent.user, "edit", company):
            row.reason = str(customer_rights.REFUSALS["edit"])
        elif company.items.alive().exists() or company.contacts.exists():
            row.reason = _("“%s” was kept: cards or contacts belong to it.") % company.name[:100]
        else:
            company.delete()


def _put_back(row: ImportRow, work: Import) -> None:
    """Only values that still are as the import wrote them."""
    before, after = row.made.get("before", {}), row.made.get("after", {})
    record: Any = row.item or row.contact or row.company
    if record is None:
        return
    if isinstance(record, Item):
        written = _typed(after)
        values = _typed({n: old for n, old in before.items() if record.value_of(n) == written.get(n)})
        if values:
            record.change(values, by=work.user, quiet=True)
    elif customer_rights.allows(work.user, "edit", record):
        _put_back_person(record, before, after)
    else:
        row.reason = str(customer_rights.REFUSALS["edit"])
        return
    _take_reach(row)
    _remove_firms(row, row.made.get("companies", []))
    row.outcome = Outcome.REVERTED


def _take_reach(row: ImportRow) -> None:
    """Numbers and addresses that the row gave to a contact that was there before; rows of older imports name no one."""
    contact = row.made.get("reached") or row.contact_id
    known = Contact.objects.filter(pk=contact or 0).first()
    if known is None or not customer_rights.allows(row.parent.user, "edit", known):
        return
    ContactPhone.objects.filter(contact=contact, number__in=row.made.get("numbers", [])).delete()
    ContactEmail.objects.filter(contact=contact, address__in=row.made.get("addresses", [])).delete()


def _put_back_person(record: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, old in before.items():
        if name.startswith("custom."):
            key = name.removeprefix("custom.")
            if record.custom.get(key) == after.get(name):
                kept = {k: v for k, v in record.custom.items() if k != key}
                record.custom = kept if old in (None, "") else kept | {key: old}
        elif plain(getattr(record, name)) == after.get(name):
            if name not in ("owner", "company"):
                setattr(record, name, old)
            else:
                model: Any = type(record)._meta.get_field(name).related_model
                setattr(record, name, model.objects.filter(pk=old or 0).first())
    record.save()


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """JSON values of an event as an item's columns take them."""
    typed: dict[str, Any] = {}
    for name, value in values.items():
        column: Any = None if name.startswith("custom.") else Item._meta.get_field(name)
        if column is not None and column.is_relation and value is not None:
            typed[name] = column.related_model._base_manager.filter(pk=value).first()
        else:
            typed[name] = value if column is None or value is None else column.to_python(value)
    return typed
