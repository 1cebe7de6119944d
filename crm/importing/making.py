"""One row becomes a record: what contacts, companies and items have in common. The dry run is the same code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.events.record import plain
from crm.fields import Cells
from crm.ground import dates
from crm.ground.sentences import first_of, said
from crm.importing.batch import Batch
from crm.importing.cells import people_by_name
from crm.importing.columns import NEEDED, Column, columns_of
from crm.importing.models import Import, ImportRow
from crm.items import customer_rights
from crm.items.models.items import Item
from crm.people.models import Company, Tag, User

Outcome = ImportRow.Outcome
SAMPLED = 1000  # rows that tell in which order a file writes its dates


class WrongRow(Exception):
    """The row cannot be taken in; the sentence says why, with the column's name."""


@dataclass
class Read:
    """A row's values by field, cleaned."""

    values: dict[str, Any] = field(default_factory=dict)
    # What was left out of a row that is taken in all the same, as sentences.
    notes: list[str] = field(default_factory=list)

    def get(self, key: str, default: Any = None) -> Any:
        found = self.values.get(key)
        return default if found in (None, "", []) else found


def date_cells(work: Import, places: dict[int, Column], most: int | None = None) -> Iterator[str]:
    """What stands in the columns of dates, of the first `most` rows or of all."""
    wanted = [place for place, column in places.items() if column.type.is_day]
    rows = work.rows.order_by("number").values_list("cells", flat=True) if wanted else ()
    for line in rows[:most] if wanted else ():
        yield from (line[place] for place in wanted if place < len(line))


class Maker:
    """What the three have in common: reading cells, custom fields, tags, what is replaced and can be put back."""

    target: Import.Target

    def __init__(self, work: Import) -> None:
        self.work = work
        self.columns = {column.key: column for column in columns_of(work.target, work.pipeline)}
        self.places = {int(place): self.columns[key] for place, key in work.mapping.items() if key in self.columns}
        self.records: dict[str, Any] = {"user": people_by_name()}
        self.firms: dict[str, Company] = {}
        self.order = work.date_order or dates.order_of(date_cells(work, self.places, SAMPLED)) or dates.DAY_FIRST
        self.tags: dict[str, Tag] = {}
        self.batch = Batch(self.write_items)

    # ------------------------------------------------------------------ reading

    def read(self, line: list[str]) -> Read:
        """Raises WrongRow for the first cell that cannot be read, or for a row without anything to call it."""
        found = Read()
        unread: list[str] = []
        # The currency first: what "$" beside an amount means hangs on it.
        for place, column in sorted(self.places.items(), key=lambda pair: (pair[1].key != "currency", pair[0])):
            cell = line[place] if place < len(line) else ""
            if not cell:
                continue
            try:
                value = self._several(column, cell, unread) if column.type.lists else self.value(column, cell, found)
            except ValidationError as error:
                words = {"name": column.label, "value": first_of(error)}
                raise WrongRow(said("import.cell", "%(name)s: %(value)s") % words) from error
            known = found.values.get(column.key)
            if isinstance(known, list):
                known += [one for one in value if one not in known]
            elif known in (None, ""):
                found.values[column.key] = value
        lists = [column.key for column in self.columns.values() if column.type.lists and column.key != "tags"]
        if unread and not any(found.get(key) for key in lists):
            raise WrongRow(unread[0])
        found.notes = [_("%s It was left out.") % sentence for sentence in unread]
        needed = NEEDED[self.target]
        if not any(found.get(key) for key in needed):
            names = ", ".join(str(self.columns[key].label) for key in needed[:3])
            raise WrongRow(_("The row has nothing to be called by (%s).") % names)
        return found

    def _several(self, column: Column, cell: str, unread: list[str]) -> list[Any]:
        """One bad value beside a good one does not cost the row."""
        found, bad = column.type.cells(cell, self.cells())
        unread += [f"{column.label}: {sentence}" for sentence in bad]
        return found

    def cells(self, row: Read | None = None, column: Column | None = None) -> Cells:
        """How cells are read, `column`'s if one is given. `row`: what was read of the row before."""
        usual = self.work.pipeline.currency if self.work.pipeline else ""
        is_custom = column is not None and column.is_custom
        currency = usual if is_custom else (row.get("currency") if row else None) or usual
        return Cells(self.order, currency, is_custom, self.records)

    def value(self, column: Column, cell: str, row: Read | None = None) -> Any:
        """A cell as its column reads it. Raises ValidationError.

        Args:
            row: what was read of the row before.
        """
        return column.read(cell, self.cells(row, column))

    def prepare(self, rows: list[ImportRow]) -> None:
        """Read a slice of rows, and look up in a few questions what is known of them; `row` comes after."""
        self.ready: dict[int, Read | WrongRow] = {}
        for row in rows:
            try:
                self.ready[row.number] = self.read(row.cells)
            except WrongRow as wrong:
                self.ready[row.number] = wrong
        self.look_up([read for read in self.ready.values() if isinstance(read, Read)])

    def forget(self, rest: list[ImportRow]) -> None:
        """A row was rolled back: what it had made is gone, and the rest is looked up anew."""
        self.batch.clear()
        self.firms.clear()
        self.tags.clear()
        self.prepare(rest)

    def look_up(self, reads: list[Read]) -> None:
        """For `known`: what the rows of a slice may be about."""
        keys = {Company(name=read.get("company")[:200]).folded() for read in reads if read.get("company")}
        for company in Company.objects.filter(search_key__in=keys - self.firms.keys()).order_by("-pk"):
            self.firms[company.search_key] = company

    # ------------------------------------------------------------------ writing

    def row(self, row: ImportRow, dry: bool) -> None:
        """Decide, and unless it is a dry run do it; the row tells the outcome. Raises WrongRow, Refused."""
        read = self.ready[row.number]
        if isinstance(read, WrongRow):
            raise read
        known = self.known(read)
        if known is not None and self.work.duplicates == Import.Duplicates.SKIP:
            row.outcome, row.reason = Outcome.SKIPPED, self.told(read, known)[:300]
        elif known is not None and self.work.duplicates == Import.Duplicates.UPDATE and not self.may_change(known):
            row.outcome, row.reason = (
                Outcome.SKIPPED,
                _("%s: your role may not change it") % self.told(read, known)[:200],
            )
        elif known is not None and self.work.duplicates == Import.Duplicates.UPDATE:
            row.outcome, row.reason = Outcome.UPDATED, str(known)[:300]
            if dry:
                self.suppose(row, read, known)
            else:
                if known.pk is None:
                    self.batch.flush()  # an earlier row of this very slice makes it
                self.update(row, known, read)
        else:
            row.outcome = Outcome.CREATED
            if dry:
                self.suppose(row, read, None)
            else:
                self.create(row, read)
        if read.notes:
            row.made = {**row.made, "notes": read.notes}

    def may_change(self, known: Any) -> bool:
        """Whether who imports may: of customers; the gate itself asks of cards."""
        return True

    def told(self, read: Read, known: Any) -> str:
        """What the result calls a known record: by the row's own words where who imports does not see it."""
        return str(known)

    def owner_of(self, read: Read) -> User:
        """Whose a new customer is. Raises WrongRow where the person may add none for the owner that the row names."""
        owner: User = read.get("owner") or self.work.user
        if not customer_rights.hands_to(self.work.user, "add", owner):
            raise WrongRow(customer_rights.REFUSALS["add"])
        return owner

    def suppose(self, row: ImportRow, read: Read, known: Any) -> None:
        """What a row of the check would make, or change of `known`: later rows of the file know it, as in the import.

        What `recall` needs is kept in `row.made`; the import begins with an empty one.
        """

    def recall(self, made: dict[str, Any]) -> None:
        """A row that an earlier turn of the check supposed."""

    def whole(self, row: ImportRow) -> None:
        """The row alone, written at once."""
        self.row(row, False)
        self.batch.flush()

    def known(self, read: Read) -> Any:
        """The record that the row is about, or None."""
        raise NotImplementedError

    def create(self, row: ImportRow, read: Read) -> None:
        raise NotImplementedError

    def update(self, row: ImportRow, known: Any, read: Read) -> None:
        raise NotImplementedError

    def custom_of(self, read: Read) -> dict[str, Any]:
        return {key[7:]: value for key, value in read.values.items() if key.startswith("custom.") and value != ""}

    def tag(self, record: Any, names: list[str] | None) -> None:
        for name in names or ():
            if name not in self.tags:
                self.tags[name] = Tag.objects.get_or_create(name=name)[0]
        self.batch.tag(record, [self.tags[name] for name in names or ()])

    def replace(self, row: ImportRow, record: Any, values: dict[str, Any]) -> None:
        """Write values into a known record; the row remembers what was there and what stands there now."""
        before, after = {}, {}
        for name, value in values.items():
            if name == "custom":
                for key, one in value.items():
                    if record.custom.get(key) != one:
                        before[f"custom.{key}"], after[f"custom.{key}"] = record.custom.get(key), one
                record.custom = {**record.custom, **value}
                continue
            old = getattr(record, name)
            if value not in (None, "") and old != value:
                before[name], after[name] = plain(old), plain(value)
                setattr(record, name, value)
        if before:
            record.save()
        row.made = {**row.made, "before": before, "after": after}

    def company_named(self, row: ImportRow, name: str | None) -> Company | None:
        if not name:
            return None
        key = Company(name=name[:200]).folded()
        found = self.firms.get(key)
        if found is None:
            found = self.firms[key] = made = Company(name=name[:200], owner=self.work.user)
            self.batch.add(made)
            self.batch.then(
                lambda: row.made.update(companies=[*row.made.get("companies", []), made.pk])  # what taking back removes
            )
        return found

    def write_items(self, drafts: list[Item]) -> None:
        """The drafts of items that the rows made."""
        raise NotImplementedError
