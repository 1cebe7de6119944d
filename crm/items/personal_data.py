"""Personal data of cards: their words, events, tasks, visits, lines; what is planned for them is cancelled."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.events.models import Event
from crm.ground.folding import fold
from crm.ground.marks import keyed_hash
from crm.items.erasure import ERASED, PersonalData, Subject, scrubbed
from crm.items.models.items import Item
from crm.items.models.lines import LineItem
from crm.items.models.tasks import Task
from crm.items.models.visits import StageVisit
from crm.people.exceptions import MARK, SenderException
from crm.people.models import Contact
from crm.people.reach import ContactEmail, ContactPhone
from crm.work.models import Job

EMPTIED = _("emptied: kind, day and figures stay")
DELETED = _("deleted")


def _scrubbed_event(event: Event) -> dict[str, Any]:
    key = f"erased:{keyed_hash('event', event.key)}"[:120] if event.key else None
    return {"payload": scrubbed(event.payload) | {ERASED: True}, "key": key}


def _named_alike(_item: Item) -> dict[str, Any]:
    title = str(_("Erased customer"))
    return {"title": title, "search_key": fold(title)}


def _named_by_product(line: LineItem) -> dict[str, Any]:
    return {"name": line.product.name} if line.product_id and line.product else {}


def _not_kept(subject: Subject) -> Any:
    """Lines of cards that no issued paper is about: those of invoices belong to the paper."""
    kept = {pk for keeps in slots.papers_kept for pk in keeps(subject.items)}
    return LineItem.objects.filter(item__in=[pk for pk in subject.items if pk not in kept])


def _admin_log(subject: Subject) -> Any:
    def of(model: Any, ids: list[int]) -> Q:
        kind = ContentType.objects.get_for_model(model)
        return Q(content_type=kind, object_id__in=[str(pk) for pk in ids])

    return LogEntry.objects.filter(of(Contact, [subject.contact.pk]) | of(Item, subject.items))


def _told_elsewhere(subject: Subject) -> Any:
    """What other cards' histories say of theirs."""
    ids = subject.items
    named = Q(kind="linked.moved", payload__item__in=ids) | Q(kind="lead.converted", payload__lead__in=ids)
    return Event.objects.filter(named | Q(kind="lead.converted", payload__deal__in=ids))


def _marked(entry: SenderException) -> dict[str, Any]:
    return {"value": keyed_hash(MARK, entry.value)}


for data in (
    PersonalData(
        _("history"),
        EMPTIED,
        _told_elsewhere,
        cleared={"payload": {}, "key": None, "words": None},
        each=_scrubbed_event,
        counts=False,
    ),
    PersonalData(
        _("list of exceptions"),
        _("kept as a mark that nobody can read: they stay kept out"),
        lambda subject: SenderException.objects.filter(value__in=[*subject.emails, *subject.numbers]),
        cleared={"value": "", "reason": ""},
        each=_marked,
    ),
    PersonalData(
        _("history"),
        EMPTIED,
        lambda subject: subject.events,
        cleared={"payload": {}, "key": None, "words": None, "pinned_at": None},
        each=_scrubbed_event,
    ),
    PersonalData(
        _("tasks"),
        EMPTIED,
        lambda subject: Task.objects.filter(item__in=subject.items),
        cleared={"title": "—", "description": "", "checklist": [], "place": ""},
    ),
    PersonalData(
        _("stages they were in"),
        EMPTIED,
        lambda subject: StageVisit.objects.filter(item__in=subject.items),
        cleared={"before": {}, "cancelled": {}, "key": None, "undo_until": None},
        counts=False,
    ),
    PersonalData(
        _("work"),
        EMPTIED,
        lambda subject: Job.objects.filter(item__in=subject.items),
        cleared={"error": ""},
        counts=False,
    ),
    PersonalData(_("lines"), EMPTIED, _not_kept, cleared={"name": "—"}, each=_named_by_product),
    PersonalData(
        _("cards"),
        _("kept without words: stage, dates and amounts stay for the figures"),
        lambda subject: Item._base_manager.filter(pk__in=subject.items),
        cleared={
            "title": "—",
            "source": "",
            "first_touch": {},
            "last_touch": {},
            "lost_note": "",
            "custom": {},
            "external_id": "",
            "search_key": "",
            "words": None,
        },
        each=_named_alike,
    ),
    PersonalData(
        _("e-mail addresses"), DELETED, lambda subject: ContactEmail.objects.filter(contact=subject.contact.pk)
    ),
    PersonalData(_("phone numbers"), DELETED, lambda subject: ContactPhone.objects.filter(contact=subject.contact.pk)),
    PersonalData(
        _("log of the administration"), EMPTIED, _admin_log, cleared={"object_repr": "—", "change_message": ""}
    ),
):
    slots.personal_data.register(data)
