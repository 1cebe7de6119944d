"""Imports at work: checked, taken in, taken back; a slice of rows a job, so that others get their turn."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm import clock, databases
from crm.importing.making import MAKERS, WrongRow
from crm.models import Import, ImportRow, Item, Refused
from crm.models.jobs import Job
from crm.models.notifications import notify
from crm.models.people import Company, Contact, ContactEmail, ContactPhone
from crm.queue import Kind, register_kind

log = logging.getLogger("dealwright.importing")

SLICE = 50
# How long one job holds its transaction; on SQLite everybody else who writes waits for it.
SLICE_SECONDS = 0.25
Status = Import.Status
Outcome = ImportRow.Outcome
NEXT = {Status.CHECKING: Status.CHECKED, Status.RUNNING: Status.DONE, Status.REVERTING: Status.REVERTED}


def start(work: Import, status: str) -> None:
    """From now on a worker goes through the rows. Call it inside a transaction that holds the import's row."""
    work.status, work.position, work.error, work.finished_at = status, 0, "", None
    work.save()
    if status != Status.REVERTING:
        work.rows.update(outcome=Outcome.NONE, reason="")
    _plan(work)


def _plan(work: Import) -> None:
    moment = int(clock.now().timestamp())
    Job.plan("import", f"import:{work.pk}:{work.status}:{work.position}:{moment}", payload={"import": work.pk}, lane=2)


def perform(job: Any) -> None:
    work = databases.lock(Import.objects.filter(pk=job.payload["import"])).first()
    if work is None or not work.is_working:
        return
    with translation.override(work.user.language), timezone.override(work.user.zone):
        _slices(work)
    if work.position >= work.total:
        work.status, work.finished_at = NEXT[Status(work.status)], clock.now()
        if work.status != Status.CHECKED:
            with translation.override(work.user.language):
                notify(
                    [work.user], f"{work.name}: {work.get_status_display()}", kind="import", group=f"import:{work.pk}"
                )
    work.save()
    if work.is_working:
        _plan(work)


def _slices(work: Import) -> None:
    """Rows in the order of the file (backwards when they are taken back) until the time is over."""
    end = time.monotonic() + SLICE_SECONDS
    each = _reverter(work) if work.status == Status.REVERTING else _maker(work)
    backwards = work.status == Status.REVERTING
    while work.position < work.total:
        rows = work.rows.order_by("-number" if backwards else "number")
        if backwards:
            rows = rows.filter(number__lte=work.total - work.position)
        else:
            rows = rows.filter(number__gt=work.position)
        for row in rows[:SLICE]:
            _alone(row, each)
            work.position += 1
            if time.monotonic() > end:
                return


def _alone(row: ImportRow, each: Any) -> None:
    """A savepoint for each row: one that fails spoils no other."""
    try:
        with transaction.atomic():
            each(row)
            row.save()
    except (WrongRow, Refused) as error:
        _failed(row, str(error))
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("import row %s", row.pk)
        _failed(row, str(error) or repr(error))


def _failed(row: ImportRow, reason: str) -> None:
    row.item = row.contact = row.company = None
    row.made, row.outcome, row.reason = {}, Outcome.FAILED, reason[:300]
    row.save()


def _maker(work: Import) -> Any:
    maker = MAKERS[work.target](work)
    dry = work.status == Status.CHECKING
    return lambda row: maker.row(row, dry)


def _lost(job: Any) -> None:
    Import.objects.filter(pk=job.payload["import"], status__in=Import.WORKING).update(
        status=Status.FAILED, error=job.error, finished_at=clock.now()
    )


register_kind(Kind("import", perform, lost=_lost))


# ---------------------------------------------------------------------- taking back


def _reverter(work: Import) -> Any:
    def back(row: ImportRow) -> None:
        if row.outcome == Outcome.CREATED:
            _remove(row)
        elif row.outcome == Outcome.UPDATED:
            _put_back(row)

    return back


def _remove(row: ImportRow) -> None:
    """Items go to the recycle bin; people and companies only if nobody has built on them since."""
    if row.item is not None:
        item = row.item
        item.delete_softly()
        Item.objects.filter(pk=item.pk).update(contact=None, company=None)
    for contact in Contact.objects.filter(pk__in=[*row.made.get("contacts", []), row.contact_id or 0]):
        if contact.items.alive().exists() or contact.messages.exists():
            row.reason = _("“%s” was kept: cards or messages belong to it.") % contact.name[:100]
            return
        contact.delete()
    for company in Company.objects.filter(pk__in=[*row.made.get("companies", []), row.company_id or 0]):
        if company.items.alive().exists() or company.contacts.exists():
            row.reason = _("“%s” was kept: cards or contacts belong to it.") % company.name[:100]
            return
        company.delete()
    row.item = row.contact = row.company = None
    row.outcome = Outcome.REVERTED


def _put_back(row: ImportRow) -> None:
    """Only values that still are as the import wrote them."""
    before, after = row.made.get("before", {}), row.made.get("after", {})
    record: Any = row.item or row.contact or row.company
    if record is None:
        return
    if isinstance(record, Item):
        written = _typed(after)
        values = _typed({n: old for n, old in before.items() if record.value_of(n) == written.get(n)})
        if values:
            record.change(values, quiet=True)
    else:
        for name, old in before.items():
            if _plain(getattr(record, name)) == after.get(name):
                setattr(record, f"{name}_id" if name in ("owner", "company") else name, old)
        record.save()
    if isinstance(record, Contact):
        ContactPhone.objects.filter(contact=record, number__in=row.made.get("numbers", [])).delete()
        ContactEmail.objects.filter(contact=record, address__in=row.made.get("addresses", [])).delete()
    row.outcome = Outcome.REVERTED


def _plain(value: Any) -> Any:
    from crm.models.items import plain

    return plain(value)


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """JSON values of an event as an item's columns take them."""
    typed: dict[str, Any] = {}
    for name, value in values.items():
        column = None if name.startswith("custom.") else Item._meta.get_field(name)
        if column is not None and column.is_relation and value is not None:
            typed[name] = column.related_model._base_manager.filter(pk=value).first()  # type: ignore[union-attr]
        else:
            typed[name] = value if column is None or value is None else column.to_python(value)
    return typed
