"""Stored values of custom fields, read by the type that their field has now: by the upgrade, and when it is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from crm.fields import FieldType, type_of

SLICE = 500
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
    kind = type_of(field.type)
    model = get_model(MODELS[field.target])
    rows = model._base_manager.filter(custom__has_key=field.key).order_by("pk")
    if field.target == "item" and field.item_type_id is not None:
        rows = rows.filter(item_type=field.item_type_id)
    changed = []
    for pk, custom in rows.values_list("pk", "custom").iterator(chunk_size=SLICE):
        kept = custom.get(field.key)
        try:
            made = canonical(kind, kept)
        except ValidationError:
            yield Unread(field.target, pk, field.label, str(kept)[:80])
            made = kept if isinstance(kept, str) else str(kept)
        if write and (made != kept or type(made) is not type(kept)):
            changed.append(model(pk=pk, custom={**custom, field.key: made}))
        if len(changed) >= SLICE:
            model._base_manager.bulk_update(changed, ["custom"])
            changed = []
    if changed:
        model._base_manager.bulk_update(changed, ["custom"])
