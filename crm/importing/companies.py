"""Rows that are companies."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from crm.ground.folding import fold
from crm.importing.making import Maker, Read
from crm.importing.models import Import, ImportRow
from crm.items import customer_rights
from crm.people.models import Company


class CompanyMaker(Maker):
    target = Import.Target.COMPANIES

    def __init__(self, work: Import) -> None:
        self.supposed: list[Company] = []  # what the check would have made or changed in earlier rows
        self.by_tax: dict[str, Company] = {}
        self.by_name: dict[str, list[Company]] = {}
        super().__init__(work)

    def look_up(self, reads: list[Read]) -> None:
        taxed = {read.get("tax_number") for read in reads if read.get("tax_number")}
        keys = {fold(read.get("name"))[:250] for read in reads}
        found = Company.objects.filter(Q(tax_number__in=taxed) | Q(search_key__in=keys)).order_by("pk")
        self.by_tax, self.by_name = {}, {}
        for company in (*found, *self.supposed):
            self._remember(company)

    def _remember(self, company: Company) -> None:
        if company.tax_number:
            self.by_tax.setdefault(company.tax_number, company)
        self.by_name.setdefault(company.folded(), []).append(company)

    def known(self, read: Read) -> Company | None:
        found = self.by_tax.get(read.get("tax_number", ""))
        if found is not None:
            return found
        named = self.by_name.get(fold(read.get("name"))[:250], [])
        # Two firms of one name with different tax numbers are two firms.
        return next((firm for firm in named if not (read.get("tax_number") and firm.tax_number)), None)

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
        values["owner"] = self.owner_of(read)
        row.company = company = Company(**values, custom=self.custom_of(read))
        self.batch.add(company)
        self.batch.then(lambda: row.made.update(own=company.pk))
        self._remember(company)
        self.tag(company, read.get("tags"))

    def may_change(self, known: Company) -> bool:
        return known.pk is None or customer_rights.hands_to(self.work.user, "edit", known.owner)

    def told(self, read: Read, known: Company) -> str:
        seen = known.pk is None or customer_rights.allows(self.work.user, "view", known)
        return str(known) if seen else str(read.get("name", ""))

    def suppose(self, row: ImportRow, read: Read, known: Any) -> None:
        if known is None:
            self.owner_of(read)
        values = self._values(read)
        row.made = {**row.made, "who": [values["name"], values["tax_number"] or (known.tax_number if known else "")]}
        self.recall(row.made)

    def recall(self, made: dict[str, Any]) -> None:
        if "who" in made:
            name, tax_number = made["who"]
            self.supposed.append(Company(name=name, tax_number=tax_number))
            self._remember(self.supposed[-1])

    def update(self, row: ImportRow, known: Company, read: Read) -> None:
        self.replace(row, known, self._values(read) | {"custom": self.custom_of(read)})
        self._remember(known)
        self.tag(known, read.get("tags"))
        row.company = known
