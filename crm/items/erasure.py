"""What rooms say about the personal data that they keep: which rows, and what becomes of them when a customer is erased.

Each room registers its `PersonalData` in the slot *personal_data*; crm/customers/erasing.py asks all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Q

from crm.events.models import Event
from crm.items.models.items import Item
from crm.people.models import Contact

LEAST_DIGITS = 7  # fewer are no number that could name somebody


@dataclass
class Subject:
    """Who is erased, with what was theirs before anything was changed.

    Args:
        contact: the customer; its name, addresses and numbers are read at once, since erasing takes them away.
        items: ids of all cards of theirs, those in the bin too.
    """

    contact: Contact
    items: list[int] = field(init=False)
    emails: list[str] = field(init=False)
    numbers: list[str] = field(init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        own = Item._base_manager.filter(contact=self.contact)
        self.items = list(own.order_by("pk").values_list("pk", flat=True))
        self.emails = [row.address for row in self.contact.emails.all()]
        self.numbers = [row.number for row in self.contact.phones.all()]
        self.name = self.contact.name

    @cached_property
    def theirs(self) -> Q:
        """Of rows with both links: what belongs to the contact or to one of their cards."""
        return Q(contact=self.contact.pk) | Q(item__in=self.items)

    @cached_property
    def events(self) -> Any:
        return Event.objects.filter(self.theirs)

    def is_named_in(self, value: Any) -> bool:
        """Does a text, or anything of JSON, hold one of their addresses or numbers, in any spelling? For rows that are linked
        to nobody. A name alone is none: others have the same."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        lower = text.lower()
        if any(email in lower for email in self.emails):
            return True
        ends = [number[-9:] for number in self.numbers if len(number) > LEAST_DIGITS]
        digits = re.sub(r"(?<=\d)[\s()./-]+(?=\d)", "", text) if ends else ""
        return any(end in digits for end in ends)


@dataclass(frozen=True)
class PersonalData:
    """One kind of rows that hold what a customer said or is.

    Args:
        label: what people call them, a lazy text. becomes: what happens to them, a lazy text, for the preview.
        rows: f(subject) -> queryset.
        cleared: {column: what it is set to}; empty: the rows are deleted.
        each: f(row) -> values of columns that `cleared` names, where one value does not do for all.
        files: names of file columns whose files are removed from the disk.
        counts: whether the preview tells of it.
    """

    label: Any
    becomes: Any
    rows: Callable[[Subject], Any]
    cleared: dict[str, Any] = field(default_factory=dict)
    each: Callable[[Any], dict[str, Any]] | None = None
    files: tuple[str, ...] = ()
    counts: bool = True

    def erase(self, subject: Subject) -> tuple[int, list[tuple[Any, str]]]:
        """Returns how many rows there were, and their files as (storage, name), to be removed after the commit."""
        rows = self.rows(subject)
        ids = list(rows.order_by("pk").values_list("pk", flat=True).distinct())
        found = rows.model._base_manager.filter(pk__in=ids)
        files = [
            (kept.storage, kept.name)
            for row in (found.iterator(500) if self.files else ())
            for name in self.files
            if (kept := getattr(row, name))
        ]
        if not self.cleared:
            found.delete()
        elif self.each is None:
            found.update(**self.cleared)
        else:
            self._change_each(found)
        return len(ids), files

    def _change_each(self, rows: Any) -> None:
        some: list[Any] = []
        for row in rows.order_by("pk").iterator(500):
            assert self.each is not None
            for name, value in (self.cleared | self.each(row)).items():
                setattr(row, name, value)
            some.append(row)
        columns = list(self.cleared)
        rows.model._base_manager.bulk_update(some, columns, batch_size=200)


def remove(files: list[tuple[Any, str]]) -> None:
    """After the commit: files as (storage, name) go from the disk."""
    for storage, name in files:
        storage.delete(name)


# ---------------------------------------------------------------------- payloads

# Words of ours in payloads: names of stages and states, never of a customer.
OURS = (
    "from_name",
    "to_name",
    "status",
    "kind",
    "form_kind",
    "verb",
    "unit",
    "currency",
    "medium",
    "direction",
    "origin",
    "via",
)
_FIGURE = re.compile(r"-?\d{1,6}(\.\d+)?|\d{4}-\d{2}-\d{2}([T ][\d:.+Z-]*)?")


# On an event whose words are gone: its sentence would have holes.
ERASED = "erased"


def scrubbed(value: Any, name: str = "") -> Any:
    """A payload without words: numbers, dates, booleans and our own words stay, all else is left out."""
    if isinstance(value, dict):
        return {key: kept for key, one in value.items() if (kept := scrubbed(one, key)) not in (None, "", [], {})}
    if isinstance(value, list):
        return [scrubbed(one) for one in value]
    if isinstance(value, str):
        return value if (name in OURS and len(value) <= 80) or _FIGURE.fullmatch(value) else ""
    return value
