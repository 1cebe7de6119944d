"""Stored values of custom fields, read by the type that their field has now: by the upgrade, and when it is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import transaction

from crm.events.notice import notify
from crm.fields import FieldType, field_types, type_of
from crm.ground import clock, databases
from crm.ground.sentences import counted
from crm.people.models import User
from crm.pipelines.custom_fields import CustomField
from crm.work import lanes
from crm.work.models import Job
from crm.work.queue import Kind, register_kind

SLICE = 500
TOLD = 20  # values that a notice names
KIND = "retype_field"
MODELS = {"item": "crm.Item", "contact": "crm.Contact", "company": "crm.Company"}


@dataclass(frozen=True)
class Unread:
    """A value that its field's type cannot read; it stays as the text that it is.

    Args:
        target: "item", "contact" or "company"; `pk`: of that record.
    """

    target: str
    pk: int
    label: str
    value: str

    def __str__(self) -> str:
        return f"{self.target} #{self.pk}, {self.label}: “{self.value}”"


def canonical(kind: FieldType, kept: Any) -> Any:
    """A kept value as its type keeps it. Raises ValidationError for what the type cannot read."""
    return kept if kind.from_json(kept) is None else kind.to_json(kind.initial(kept))


def reread(get_model: Callable[[str], Any], field: Any, *, write: bool = True) -> Iterator[Unread]:
    """Write the values of one custom field anew where its type keeps them otherwise; yields what it cannot read.

    Args:
        get_model: from "app.Model" to the model, so that migrations may ask too.
        field: a CustomField row; of a migration's model too.
        write: False: only tell.
    """
    if field.type not in field_types:
        return  # of an app that is not installed now: what it kept is left as it is
    model, last = get_model(MODELS[field.target]), 0
    while ids := _next_ids(model, field, last):
        last = ids[-1]
        yield from _slice(type_of(field.type), model, field, ids, write)


def _next_ids(model: Any, field: Any, after: int) -> list[int]:
    """A slice of the records that keep a value of the field, in order of their ids."""
    rows = model._base_manager.filter(custom__has_key=field.key, pk__gt=after)
    if field.target == "item" and field.item_type_id is not None:
        rows = rows.filter(item_type=field.item_type_id)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:SLICE])


# ---------------------------------------------------------------------- another type, chosen by a person


def plan(field: CustomField, by: User) -> None:
    """Read all values by the field's new type, a slice a job, and tell the person what could not be read."""
    moment = int(clock.now().timestamp() * 1000)
    payload = {"field": field.pk, "type": field.type, "by": by.pk, "after": 0, "count": 0, "unread": []}
    Job.plan(KIND, f"{KIND}:{field.pk}:{moment}:0", payload=payload, lane=lanes.BULK)


def perform(job: Any) -> None:
    asked = job.payload
    field = CustomField.objects.filter(pk=asked["field"], type=asked["type"]).first()
    if field is None or field.type not in field_types:
        return  # gone, or of yet another type, which has a job of its own, or of an app that is not installed now
    model: Any = apps.get_model(MODELS[field.target])
    if ids := _next_ids(model, field, asked["after"]):
        unread = _slice(type_of(field.type), model, field, ids, True)
        told = [*asked["unread"], *(f"{one.value} (#{one.pk})" for one in unread)][:TOLD]
        payload = {**asked, "after": ids[-1], "count": asked["count"] + len(unread), "unread": told}
        Job.plan(KIND, f"{job.key.rpartition(':')[0]}:{ids[-1]}", payload=payload, lane=lanes.BULK)
        return
    if asked["count"]:
        words = counted(
            "field.unread",
            "%(field)s: %(n)d stored value cannot be read by its new type; it stays as text: %(values)s",
            "%(field)s: %(n)d stored values cannot be read by their new type; they stay as text: %(values)s",
            asked["count"],
        )
        values = "; ".join(asked["unread"]) + (" …" if asked["count"] > TOLD else "")
        sentence = words % {"field": field.label, "n": asked["count"], "values": values}
        notify(User.objects.filter(pk=asked["by"]), sentence, kind="setup")


register_kind(Kind(KIND, perform))


def _slice(kind: FieldType, model: Any, field: Any, ids: list[int], write: bool) -> list[Unread]:
    """Read under the rows' lock, so that a colleague's edit of another field meanwhile is not written over."""
    unread, changed = [], []
    with transaction.atomic():
        rows = model._base_manager.filter(pk__in=ids).order_by("pk")
        for pk, custom in (databases.lock(rows) if write else rows).values_list("pk", "custom"):
            kept = custom.get(field.key)
            try:
                made = canonical(kind, kept)
            except (ValidationError, ValueError, ArithmeticError, TypeError):
                unread.append(Unread(field.target, pk, field.label, str(kept)[:80]))
                made = kept if isinstance(kept, str) else str(kept)
            if write and (made != kept or type(made) is not type(kept)):
                changed.append(model(pk=pk, custom={**custom, field.key: made}))
        if changed:
            model._base_manager.bulk_update(changed, ["custom"])
    return unread
