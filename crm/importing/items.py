"""Rows that are items of a pipeline, with their customers and companies."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from crm.events.models import Cause
from crm.ground.folding import fold
from crm.importing.contacts import ContactMaker
from crm.importing.making import Maker, Outcome, Read, WrongRow
from crm.importing.models import Import, ImportRow
from crm.items import customer_rights
from crm.items.customers import Found
from crm.items.models.items import Item
from crm.people.models import Company
from crm.pipelines.machine import Machine, machine_of


class ItemMaker(Maker):
    target = Import.Target.ITEMS

    def __init__(self, work: Import) -> None:
        self.supposed: dict[str, Item] = {}  # what the check would have made of earlier rows
        self.by_id: dict[str, Item] = {}
        super().__init__(work)
        assert work.pipeline_id is not None
        self.machine: Machine = machine_of(work.pipeline_id)
        self.by_name = {fold(stage.name): stage for stage in self.machine.ordered()}
        self.first = self.machine.stages.get(work.stage_id or 0) or self.machine.first_open()
        self.records["stage"] = self.by_name
        self.customers = ContactMaker(work)
        self.customers.firms, self.customers.batch = self.firms, self.batch
        self.cause = Cause("import", f"import:{work.pk}", 0, work.name[:100])

    def look_up(self, reads: list[Read]) -> None:
        wanted = {read.get("external_id")[:100] for read in reads if read.get("external_id")}
        rows = Item.objects.alive().filter(external_id__in=wanted, pipeline=self.machine.pipeline).order_by("-pk")
        self.by_id = {**self.supposed, **{item.external_id: item for item in rows}}
        super().look_up(reads)
        self.customers.look_up([self._customer(read) for read in reads])

    def known(self, read: Read) -> Item | None:
        return self.by_id.get(read.get("external_id", "")[:100]) if read.get("external_id") else None

    def suppose(self, row: ImportRow, read: Read, known: Any) -> None:
        asked = self._customer(read)
        if known is None and self._names(asked):
            kept, row.made = row.made, {}
            found = self.customers.known(asked)
            if found is not None:  # a card's row adds to its customer and changes nothing that he has
                asked = Read({key: value for key, value in asked.values.items() if key in ("email", "phone")})
            self.customers.suppose(row, asked, found)
            row.made = {**kept, "customer": row.made}
        if read.get("external_id"):
            row.made = {**row.made, "who": read.get("external_id")[:100]}
            self.recall({"who": row.made["who"]})

    def recall(self, made: dict[str, Any]) -> None:
        if "customer" in made:
            self.customers.recall(made["customer"])
        if "who" in made:
            self.supposed[made["who"]] = Item(title=made["who"], external_id=made["who"])
            self.by_id.setdefault(made["who"], self.supposed[made["who"]])

    def row(self, row: ImportRow, dry: bool) -> None:
        super().row(row, dry)
        if dry and row.outcome == Outcome.CREATED:
            # What the rules of each row's own stage would send is counted before anything is imported.
            read = self.ready[row.number]
            assert isinstance(read, Read)
            row.made = {**row.made, "stage": read.get("stage", self.first).pk}

    @staticmethod
    def _customer(read: Read) -> Read:
        """What the row says of its customer, as a row of contacts would say it."""
        values = {
            "name": read.get("contact_name"),
            "email": read.get("contact_email"),
            "phone": read.get("contact_phone"),
            "company": read.get("company"),
            "owner": read.get("owner"),
        }
        return Read({key: value for key, value in values.items() if value})

    @staticmethod
    def _names(asked: Read) -> bool:
        return bool(asked.get("name") or asked.get("email") or asked.get("phone"))

    def _found(self, row: ImportRow, read: Read) -> Found | None:
        """Known by e-mail or phone, else made; a name alone is not enough to be the same person."""
        asked = self._customer(read)
        if not self._names(asked):
            return None
        found = self.customers.known(asked)
        if found is None:
            self.customers.create(row, asked)
            found, row.contact = row.contact, None
            assert found is not None
            self.batch.then(lambda: row.made.update(contacts=[row.made.pop("own")]))
        else:
            self.customers.reach(row, found, asked)
        known = Found(found, self.work.user, is_made=found.pk is None)
        if known.is_hidden:
            told = {"email": asked.get("email", []), "phone": self.customers.numbers(asked)}
            known.typed = {key: values[0] for key, values in told.items() if values}
        return known

    def _values(self, read: Read) -> dict[str, Any]:
        names = ("amount", "currency", "source", "due_date", "probability", "owner")
        values = {name: read.get(name) for name in names if read.get(name) is not None}
        if "amount" in values:
            amount = values["amount"]
            named = values.setdefault("currency", amount.currency) if amount.currency else ""
            if named and named != amount.currency:
                words = {"named": amount.currency, "currency": named}
                raise WrongRow(_("The amount is in %(named)s, the row in %(currency)s.") % words)
            values["amount"] = amount.value
        if "source" in values:
            values["source"] = values["source"][:80]
        return values

    def create(self, row: ImportRow, read: Read) -> None:
        found = self._found(row, read)
        contact = found.contact if found else None
        company = self.company_named(row, read.get("company"))
        values = self._values(read)
        values.setdefault("owner", self.work.user)
        title = read.get("title") or (company.name if company else contact.name if contact else "")
        values |= {"contact": contact, "company": company, "custom": self.custom_of(read)}
        values["external_id"] = read.get("external_id", "")[:100]
        if read.get("created_at"):
            values["created_at"] = read.get("created_at")
        stage, by = read.get("stage", self.first), self.work.user
        is_hidden = found is not None and found.is_hidden
        values["hides_customer"] = is_hidden or self._hides(company)
        if self.work.start_rules:
            self.batch.flush()  # rules may write to the customer at once
            item = Item.create(self.machine.pipeline, title, stage=stage, by=by, cause=self.cause, **values)
        else:
            item = Item.draft(self.machine, title, stage=stage, by=by, cause=self.cause, **values)
            self.batch.add(item)
        if found is not None and is_hidden:
            self.batch.then(lambda: found.settle(item))
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
        changed = known.change(values, by=self.work.user, cause=self.cause, quiet=not self.work.start_rules)
        row.made = {
            **row.made,
            "before": {name: old for name, (old, _new) in changed.items()},
            "after": {name: new for name, (_old, new) in changed.items()},
        }
        self.tag(known, read.get("tags"))
        row.item = known

    def _hides(self, company: Company | None) -> bool:
        known = company is not None and company.pk is not None
        return known and not customer_rights.allows(self.work.user, "view", company)

    def write_items(self, drafts: list[Item]) -> None:
        Item.create_many(self.machine.pipeline, drafts, by=self.work.user, cause=self.cause)
