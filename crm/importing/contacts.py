"""Rows that are contacts."""

from __future__ import annotations

from crm.importing.making import Maker, Read
from crm.models import Contact, ContactEmail, ContactPhone, Import, ImportRow


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
        super().look_up(reads)
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
        contact = Contact(
            name=self.name_of(read),
            address_as=read.get("address_as", "")[:100],
            language=read.get("language", ""),
            company=self.company_named(row, read.get("company")),
            owner=read.get("owner", self.work.user),
            custom=self.custom_of(read),
        )
        self.batch.add(contact)
        self._reach(contact, read, set())
        for key in (*read.get("email", []), *self.numbers(read)):
            self.reached.setdefault(key, contact)
        self.tag(contact, read.get("tags"))
        row.contact = contact
        self.batch.then(lambda: row.made.update(own=contact.pk))

    def _reach(self, contact: Contact, read: Read, had: set[str]) -> tuple[list[str], list[str]]:
        """Add numbers and addresses that the contact has not (`had`: what it has); returns them."""
        numbers, addresses = self.numbers(read), read.get("email", [])
        mobile = set(read.get("mobile", []))
        fresh = [n for n in numbers if n not in had]
        for place, n in enumerate(fresh):
            kind = "mobile" if n in mobile else "work"
            self.batch.add(ContactPhone(contact=contact, number=n, kind=kind, order=place))
        new = [a for a in addresses if a not in had]
        for place, a in enumerate(new):
            self.batch.add(ContactEmail(contact=contact, address=a, order=place))
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
