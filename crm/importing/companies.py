"""Rows that are companies."""

from __future__ import annotations

from typing import Any

from crm.folding import fold
from crm.importing.making import Maker, Read
from crm.models import Company, Import, ImportRow


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
