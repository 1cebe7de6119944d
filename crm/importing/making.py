"""One row becomes a record: what contacts, companies and items have in common. The dry run is the same code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm import customer_rights
from crm.folding import fold
from crm.importing.batch import Batch
from crm.importing.cells import READERS, People, american_day, american_moment, month_comes_first
from crm.importing.columns import NEEDED, Column, columns_of, custom_fields_of
from crm.models import (
    Company,
    CustomField,
    Import,
    ImportRow,
    Item,
    Tag,
    User,
)
from crm.models.items import plain

Outcome = ImportRow.Outcome


class WrongRow(Exception):
    """The row cannot be taken in; the sentence says why, with the column's name."""


@dataclass
class Read:
    """A row's values by field, cleaned."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        found = self.values.get(key)
        return default if found in (None, "", []) else found


class Maker:
    """What the three have in common: reading cells, custom fields, tags, what is replaced and can be put back."""

    target: Import.Target

    def __init__(self, work: Import) -> None:
        self.work = work
        self.columns = {column.key: column for column in columns_of(work.target, work.pipeline)}
        self.places = {int(place): self.columns[key] for place, key in work.mapping.items() if key in self.columns}
        self.readers: dict[str, Callable[[str], Any]] = {**READERS, "person": People()}
        self.custom = custom_fields_of(self.target, work.pipeline)
        self.firms: dict[str, Company] = {}
        self.american = self._american_columns()
        self.tags: dict[str, Tag] = {}
        self.batch = Batch(self.write_items)

    def _american_columns(self) -> set[str]:
        """Columns of dates that are written month first, as their first thousand rows tell."""
        places = [(place, column.key) for place, column in self.places.items() if column.kind in ("date", "moment")]
        if not places:
            return set()
        sample = list(self.work.rows.order_by("number").values_list("cells", flat=True)[:1000])
        return {
            key for place, key in places if month_comes_first(cells[place] for cells in sample if place < len(cells))
        }

    # ------------------------------------------------------------------ reading

    def read(self, cells: list[str]) -> Read:
        """Raises WrongRow for the first cell that cannot be read, or for a row without anything to call it."""
        found = Read()
        for place, column in self.places.items():
            cell = cells[place] if place < len(cells) else ""
            if not cell:
                continue
            try:
                value = self._value(column, cell)
            except ValidationError as error:
                raise WrongRow(f"{column.label}: {error.messages[0]}") from error
            known = found.values.get(column.key)
            if isinstance(known, list):
                known += [one for one in value if one not in known]
            elif known in (None, ""):
                found.values[column.key] = value
        needed = NEEDED[self.target]
        if not any(found.get(key) for key in needed):
            names = ", ".join(str(self.columns[key].label) for key in needed[:3])
            raise WrongRow(_("The row has nothing to be called by (%s).") % names)
        return found

    def _value(self, column: Column, cell: str) -> Any:
        if column.kind == "custom":
            return self._custom(column.key.removeprefix("custom."), cell)
        if column.key in self.american:
            return american_day(cell) if column.kind == "date" else american_moment(cell)
        return self.readers[column.kind](cell)

    def _custom(self, key: str, cell: str) -> Any:
        definition = self.custom[key]
        if definition.type == "money":
            return str(READERS["money"](cell))
        if definition.type == "date":
            return READERS["date"](cell).isoformat()
        if definition.type == "boolean":
            return fold(cell) in ("1", "true", "yes", "y", "x", "tak", "oui", "co", "да", "ja", fold(_("yes")))
        typed: Any = [part.strip() for part in cell.split(",")] if definition.type == "multi_list" else cell
        return CustomField.to_json(definition.form_field().clean(typed))

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
