"""Rows that are contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm.ground.phones import PhoneNumber
from crm.importing.making import Maker, Read
from crm.importing.models import Import, ImportRow
from crm.items import customer_rights
from crm.people.models import Contact
from crm.people.reach import ContactEmail, ContactPhone
from crm.people.recognising import recognise


class ContactMaker(Maker):
    target = Import.Target.CONTACTS

    def __init__(self, work: Import) -> None:
        # Who has an address or number by what the check supposes of earlier rows.
        self.supposed: dict[str, list[Contact]] = {}
        self.people: dict[int, Contact] = {}
        self.by_address: dict[str, list[Contact]] = {}
        self.by_number: dict[str, list[Contact]] = {}
        super().__init__(work)

    def name_of(self, read: Read) -> str:
        if read.get("name"):
            return str(read.get("name"))[:200]
        parts = [read.get("given", ""), read.get("middle", ""), read.get("family", "")]
        if read.get("language", self.work.user.language) == "vi":
            parts.reverse()  # family, middle and given name, in the person's own order
        name = " ".join(filter(None, parts))
        return (name or next(iter(read.get("email", []) + self.numbers(read)), ""))[:200]

    def numbers(self, read: Read) -> list[PhoneNumber]:
        return [*read.get("mobile", []), *(n for n in read.get("phone", []) if n not in read.get("mobile", []))]

    def look_up(self, reads: list[Read]) -> None:
        """Who has these addresses and numbers, the oldest first."""
        super().look_up(reads)
        self.by_address, self.by_number = {}, {}
        addresses = {address for read in reads for address in read.get("email", [])}
        numbers = {number for read in reads for number in self.numbers(read)}
        emails = ContactEmail.objects.filter(address__in=addresses).select_related("contact").order_by("contact_id")
        phones = ContactPhone.objects.filter(number__in=numbers).select_related("contact").order_by("contact_id")
        if not self.supposed:
            self.people = {}  # as they are now; what the check supposes of them stays for the whole file
        for email in emails:
            self._has(self.by_address, email.address, self.people.setdefault(email.contact_id, email.contact))
        for phone in phones:
            self._has(self.by_number, phone.number, self.people.setdefault(phone.contact_id, phone.contact))
        for asked, place in ((addresses, self.by_address), (numbers, self.by_number)):
            for key in asked & self.supposed.keys():
                for contact in self.supposed[key]:
                    self._has(place, key, contact)

    @staticmethod
    def _has(place: dict[str, list[Contact]], key: str, contact: Contact) -> None:
        having = place.setdefault(key, [])
        if not any(contact is known for known in having):
            having.append(contact)

    def _remember(self, contact: Contact, addresses: Sequence[str], numbers: Sequence[str]) -> None:
        """Later rows of the same file know it too."""
        for address in addresses:
            self._has(self.by_address, address, contact)
        for number in numbers:
            self._has(self.by_number, number, contact)

    def known(self, read: Read) -> Contact | None:
        addresses, numbers = read.get("email", []), self.numbers(read)
        found: Contact | None = recognise(self._said(read), addresses, numbers, self.by_address, self.by_number)
        return found

    def _said(self, read: Read) -> str:
        """The name that the row gives, or empty: `name_of` would take an address for it."""
        return self.name_of(read) if any(read.get(part) for part in ("name", "given", "middle", "family")) else ""

    def may_change(self, known: Contact) -> bool:
        # Made by this very import: not written yet, or supposed by its check. By the owner that earlier rows gave it.
        is_ours = known.pk is None or known.pk < 0
        return is_ours or customer_rights.hands_to(self.work.user, "edit", known.owner)

    def told(self, read: Read, known: Contact) -> str:
        is_ours = known.pk is None or known.pk < 0
        return str(known) if is_ours or customer_rights.allows(self.work.user, "view", known) else self.name_of(read)

    def suppose(self, row: ImportRow, read: Read, known: Any) -> None:
        # Below zero: a contact that only the import will make.
        pk = known.pk if known is not None else -row.number
        renamed = self.name_of(read) if read.get("name") or read.get("family") else ""
        name = self.name_of(read) if known is None else renamed or known.name
        owner = self.owner_of(read) if known is None else read.get("owner", known.owner)
        who = [pk, name, read.get("email", []), self.numbers(read), owner.pk if owner else None]
        row.made = {**row.made, "who": who}
        self.recall(row.made)

    def recall(self, made: dict[str, Any]) -> None:
        if "who" not in made:
            return
        pk, name, addresses, numbers, owner = made["who"]
        contact = self.people.setdefault(pk, Contact(pk=pk))
        contact.name, contact.owner_id = name, owner
        for key in (*addresses, *numbers):
            self._has(self.supposed, key, contact)
        self._remember(contact, addresses, numbers)

    def create(self, row: ImportRow, read: Read) -> None:
        contact = Contact(
            name=self.name_of(read),
            address_as=read.get("address_as", "")[:100],
            language=read.get("language", ""),
            company=self.company_named(row, read.get("company")),
            owner=self.owner_of(read),
            custom=self.custom_of(read),
        )
        self.batch.add(contact)
        self._reach(contact, read, set())
        self._remember(contact, read.get("email", []), self.numbers(read))
        self.tag(contact, read.get("tags"))
        row.contact = contact
        self.batch.then(lambda: row.made.update(own=contact.pk))

    def _reach(self, contact: Contact, read: Read, had: set[str]) -> tuple[list[PhoneNumber], list[str]]:
        """Add numbers and addresses that the contact has not (`had`: what it has); returns them."""
        numbers, addresses = self.numbers(read), read.get("email", [])
        mobile = set(read.get("mobile", []))
        fresh = [n for n in numbers if n not in had]
        for place, n in enumerate(fresh):
            kind = "mobile" if n in mobile else "work"
            self.batch.add(
                ContactPhone(contact=contact, number=str(n), kind=kind, order=place, **ContactPhone.typed(n))
            )
        new = [a for a in addresses if a not in had]
        # Known by number and name alone: somebody has to say that the address is theirs.
        is_guessed = bool(had) and len(new) == len(addresses)
        for place, a in enumerate(new, len(had)):
            self.batch.add(ContactEmail(contact=contact, address=a, order=place, is_new=is_guessed))
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
        self.reach(row, known, read)
        self.tag(known, read.get("tags"))
        row.contact = known

    def reach(self, row: ImportRow, known: Contact, read: Read) -> None:
        """Give a contact that we know the numbers and addresses that the row adds; `known` may be unwritten yet.

        Nothing where who imports may not change it.
        """
        if not self.may_change(known):
            return
        having = {**self.by_address, **self.by_number}
        keys = (*read.get("email", []), *self.numbers(read))
        for number in self.numbers(read) if known.pk is not None else ():
            if number.extension:
                known.phones.filter(number=number, extension="").update(extension=number.extension)
        # Those that an earlier row of this slice gave it are not written yet.
        had = {key for key in keys if any(contact is known for contact in having.get(key, ()))}
        if len(had) == len(set(keys)):
            return
        if known.pk is not None:
            had |= {*known.phones.values_list("number", flat=True), *known.emails.values_list("address", flat=True)}
        fresh, new = self._reach(known, read, had)
        self.batch.then(lambda: row.made.update(reached=known.pk, numbers=fresh, addresses=new))
        self._remember(known, new, fresh)
