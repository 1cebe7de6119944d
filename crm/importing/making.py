"""One row becomes a record: contacts, companies, items. A class for each target; the dry run is the same code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.folding import fold
from crm.importing.cells import READERS, People, american_day, american_moment, month_comes_first
from crm.importing.columns import NEEDED, Column, columns_of, custom_fields_of
from crm.models import (
    Cause,
    Company,
    Contact,
    ContactEmail,
    ContactPhone,
    CustomField,
    Import,
    ImportRow,
    Item,
    Refused,
    Tag,
)
from crm.models.items import plain
from crm.models.pipelines import Machine, machine_of

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
    plain_fields: tuple[str, ...] = ()

    def __init__(self, work: Import) -> None:
        self.work = work
        self.columns = {column.key: column for column in columns_of(work.target, work.pipeline)}
        self.places = {int(place): self.columns[key] for place, key in work.mapping.items() if key in self.columns}
        self.people = People()
        self.custom = custom_fields_of(self.target, work.pipeline)
        self.firms: dict[str, Company] = {}
        self.american = self._american_columns()
        self.tags: dict[str, Tag] = {}

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
        if column.kind == "person":
            return self.people(cell)
        if column.kind == "custom":
            return self._custom(column.key.removeprefix("custom."), cell)
        if column.kind == "stage":
            return self._stage(cell)
        if column.key in self.american:
            return american_day(cell) if column.kind == "date" else american_moment(cell)
        return READERS[column.kind](cell)

    def _stage(self, cell: str) -> Any:
        raise NotImplementedError

    def _custom(self, key: str, cell: str) -> Any:
        definition = self.custom[key]
        if definition.type in ("money", "number"):
            return (
                str(READERS["money"](cell)) if definition.type == "money" else str(definition.form_field().clean(cell))
            )
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
        self.firms.clear()
        self.tags.clear()
        self.prepare(rest)

    def look_up(self, reads: list[Read]) -> None:
        """For `known`: what the rows of a slice may be about."""

    # ------------------------------------------------------------------ writing

    def row(self, row: ImportRow, dry: bool) -> None:
        """Decide, and unless it is a dry run do it; the row tells the outcome. Raises WrongRow, Refused."""
        read = self.ready[row.number]
        if isinstance(read, WrongRow):
            raise read
        known = self.known(read)
        if known is not None and self.work.duplicates == Import.Duplicates.SKIP:
            row.outcome, row.reason = Outcome.SKIPPED, str(known)[:300]
        elif known is not None and self.work.duplicates == Import.Duplicates.UPDATE:
            row.outcome, row.reason = Outcome.UPDATED, str(known)[:300]
            if not dry:
                self.update(row, known, read)
        else:
            row.outcome = Outcome.CREATED
            if not dry:
                self.create(row, read)

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
        if names:
            record.tags.add(*(self.tags[name] for name in names))

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
        found = self.firms.get(key) or Company.objects.filter(search_key=key).order_by("pk").first()
        if found is None:
            found = Company.objects.create(name=name[:200], owner=self.work.user)
            row.made = {**row.made, "companies": [*row.made.get("companies", []), found.pk]}
        self.firms[key] = found
        return found


class ContactMaker(Maker):
    target = Import.Target.CONTACTS

    def name_of(self, read: Read) -> str:
        if read.get("name"):
            return str(read.get("name"))[:200]
        parts = [read.get("given", ""), read.get("middle", ""), read.get("family", "")]
        if read.get("language", self.work.user.language) == "vi":
            parts.reverse()  # family, middle and given name, in the person's own order
        name = " ".join(filter(None, parts))
        return (name or next(iter(read.get("email", []) + self.numbers(read)), ""))[:200]

    def numbers(self, read: Read) -> list[str]:
        return [*read.get("mobile", []), *(n for n in read.get("phone", []) if n not in read.get("mobile", []))]

    def look_up(self, reads: list[Read]) -> None:
        """By address and by number, the oldest contact of each."""
        self.reached: dict[str, Contact] = {}
        addresses = {address for read in reads for address in read.get("email", [])}
        numbers = {number for read in reads for number in self.numbers(read)}
        emails = ContactEmail.objects.filter(address__in=addresses).select_related("contact").order_by("contact_id")
        phones = ContactPhone.objects.filter(number__in=numbers).select_related("contact").order_by("contact_id")
        for email in emails:
            self.reached.setdefault(email.address, email.contact)
        for phone in phones:
            self.reached.setdefault(phone.number, phone.contact)

    def known(self, read: Read) -> Contact | None:
        keys = [*read.get("email", []), *self.numbers(read)]
        return next((self.reached[key] for key in keys if key in self.reached), None)

    def create(self, row: ImportRow, read: Read) -> None:
        contact = Contact.objects.create(
            name=self.name_of(read),
            address_as=read.get("address_as", "")[:100],
            language=read.get("language", ""),
            company=self.company_named(row, read.get("company")),
            owner=read.get("owner", self.work.user),
            custom=self.custom_of(read),
        )
        self._reach(contact, read, set())
        for key in (*read.get("email", []), *self.numbers(read)):
            self.reached.setdefault(key, contact)
        self.tag(contact, read.get("tags"))
        row.contact, row.made = contact, {**row.made, "own": contact.pk}

    def _reach(self, contact: Contact, read: Read, had: set[str]) -> tuple[list[str], list[str]]:
        """Add numbers and addresses that the contact has not (`had`: what it has); returns them."""
        numbers, addresses = self.numbers(read), read.get("email", [])
        mobile = set(read.get("mobile", []))
        fresh = [n for n in numbers if n not in had]
        ContactPhone.objects.bulk_create(
            ContactPhone(contact=contact, number=n, kind="mobile" if n in mobile else "work", order=place)
            for place, n in enumerate(fresh)
        )
        new = [a for a in addresses if a not in had]
        ContactEmail.objects.bulk_create(
            ContactEmail(contact=contact, address=a, order=place) for place, a in enumerate(new)
        )
        return fresh, new

    def update(self, row: ImportRow, known: Contact, read: Read) -> None:
        values = {
            "address_as": read.get("address_as", "")[:100],
            "language": read.get("language"),
            "owner": read.get("owner"),
        }
        if read.get("name") or read.get("family"):
            values["name"] = self.name_of(read)
        values["company"] = self.company_named(row, read.get("company"))
        values["custom"] = self.custom_of(read)
        self.replace(row, known, values)
        had = {*known.phones.values_list("number", flat=True), *known.emails.values_list("address", flat=True)}
        fresh, new = self._reach(known, read, had)
        row.made = {**row.made, "numbers": fresh, "addresses": new}
        self.tag(known, read.get("tags"))
        row.contact = known


class CompanyMaker(Maker):
    target = Import.Target.COMPANIES

    def known(self, read: Read) -> Company | None:
        if read.get("tax_number"):
            found = Company.objects.filter(tax_number=read.get("tax_number")).order_by("pk").first()
            if found is not None:
                return found
        named = Company.objects.filter(search_key=fold(read.get("name"))[:250]).order_by("pk")
        # Two firms of one name with different tax numbers are two firms.
        return (named.filter(tax_number="") if read.get("tax_number") else named).first()

    def _values(self, read: Read) -> dict[str, Any]:
        return {
            "name": read.get("name", "")[:200],
            "tax_number": read.get("tax_number", "")[:40],
            "phone": next(iter(read.get("phone", [])), ""),
            "email": next(iter(read.get("email", [])), ""),
            "address": read.get("address", ""),
            "owner": read.get("owner"),
        }

    def create(self, row: ImportRow, read: Read) -> None:
        values = self._values(read)
        values["owner"] = values["owner"] or self.work.user
        row.company = Company.objects.create(**values, custom=self.custom_of(read))
        row.made = {**row.made, "own": row.company.pk}
        self.tag(row.company, read.get("tags"))

    def update(self, row: ImportRow, known: Company, read: Read) -> None:
        self.replace(row, known, self._values(read) | {"custom": self.custom_of(read)})
        self.tag(known, read.get("tags"))
        row.company = known


class ItemMaker(Maker):
    target = Import.Target.ITEMS

    def __init__(self, work: Import) -> None:
        super().__init__(work)
        assert work.pipeline_id is not None
        self.machine: Machine = machine_of(work.pipeline_id)
        self.by_name = {fold(stage.name): stage for stage in self.machine.ordered()}
        self.first = self.machine.stages.get(work.stage_id or 0) or self.machine.first_open()
        self.customers = ContactMaker(work)
        self.customers.firms = self.firms

    def _stage(self, cell: str) -> Any:
        found = self.by_name.get(fold(cell))
        if found is None:
            raise ValidationError(_("“%s” is not a stage of this pipeline.") % cell[:60])
        return found

    def look_up(self, reads: list[Read]) -> None:
        wanted = {read.get("external_id")[:100] for read in reads if read.get("external_id")}
        rows = Item.objects.alive().filter(external_id__in=wanted, pipeline=self.machine.pipeline).order_by("-pk")
        self.by_id: dict[str, Item] = {item.external_id: item for item in rows}
        self.customers.look_up([self._customer(read) for read in reads])

    def known(self, read: Read) -> Item | None:
        return self.by_id.get(read.get("external_id", "")[:100]) if read.get("external_id") else None

    def row(self, row: ImportRow, dry: bool) -> None:
        super().row(row, dry)
        if dry and row.outcome == Outcome.CREATED:
            # What the rules of each row's own stage would send is counted before anything is imported.
            read = self.ready[row.number]
            assert isinstance(read, Read)
            row.made = {"stage": read.get("stage", self.first).pk}

    @staticmethod
    def _customer(read: Read) -> Read:
        """What the row says of its customer, as a row of contacts would say it."""
        values = {
            "name": read.get("contact_name"),
            "email": read.get("contact_email"),
            "phone": read.get("contact_phone"),
            "company": read.get("company"),
        }
        return Read({key: value for key, value in values.items() if value})

    def _contact(self, row: ImportRow, read: Read) -> Contact | None:
        """Known by e-mail or phone, else made; a name alone is not enough to be the same person."""
        asked = self._customer(read)
        if not (asked.get("name") or asked.get("email") or asked.get("phone")):
            return None
        found = self.customers.known(asked)
        if found is None:
            self.customers.create(row, asked)
            found, row.contact = row.contact, None
            assert found is not None
            row.made = {**row.made, "own": None, "contacts": [found.pk]}
        return found

    def _values(self, read: Read) -> dict[str, Any]:
        names = ("amount", "currency", "source", "due_date", "probability", "owner")
        values = {name: read.get(name) for name in names if read.get(name) is not None}
        if "source" in values:
            values["source"] = values["source"][:80]
        return values

    def create(self, row: ImportRow, read: Read) -> None:
        contact = self._contact(row, read)
        company = self.company_named(row, read.get("company"))
        values = self._values(read)
        values.setdefault("owner", self.work.user)
        title = read.get("title") or (company.name if company else contact.name if contact else "")
        item = Item.create(
            self.machine.pipeline,
            title,
            stage=read.get("stage", self.first),
            by=self.work.user,
            cause=Cause("import", f"import:{self.work.pk}", 0, self.work.name[:100]),
            quiet=not self.work.start_rules,
            contact=contact,
            company=company,
            external_id=read.get("external_id", "")[:100],
            custom=self.custom_of(read),
            **({"created_at": read.get("created_at")} if read.get("created_at") else {}),
            **values,
        )
        self.tag(item, read.get("tags"))
        if item.external_id:
            self.by_id.setdefault(item.external_id, item)
        row.item = item

    def update(self, row: ImportRow, known: Item, read: Read) -> None:
        """Fields only: an import moves no card that is on the board already."""
        values = self._values(read)
        if read.get("title"):
            values["title"] = read.get("title")[:200]
        values |= {f"custom.{key}": value for key, value in self.custom_of(read).items()}
        cause = Cause("import", f"import:{self.work.pk}", 0, self.work.name[:100])
        changed = known.change(values, by=self.work.user, cause=cause, quiet=not self.work.start_rules)
        row.made = {
            **row.made,
            "before": {name: old for name, (old, _new) in changed.items()},
            "after": {name: new for name, (_old, new) in changed.items()},
        }
        self.tag(known, read.get("tags"))
        row.item = known


MAKERS: dict[str, type[Maker]] = {maker.target: maker for maker in (ContactMaker, CompanyMaker, ItemMaker)}

__all__ = ["MAKERS", "Maker", "Refused", "WrongRow"]
