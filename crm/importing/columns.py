"""What a column of a file may mean: our fields, and the names that others give them (Bitrix24's exports first)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.fields import Asked, Cells, FieldType, type_of
from crm.ground.folding import fold
from crm.importing.models import Import
from crm.items.filters import custom_fields
from crm.pipelines.custom_fields import CustomField
from crm.pipelines.models import Pipeline


@dataclass(frozen=True)
class Column:
    """A field that a file can fill.

    Args:
        kind: key of the type of field that reads its cells (crm/fields/).
        names: how files call it, folded; the first columns that match take it.
        several: more than one column of the file may fill it.
        options: of a list, what may be chosen.
    """

    key: str
    label: Any
    kind: str = "text"
    names: tuple[str, ...] = ()
    several: bool = False
    options: Sequence[tuple[str, Any]] = ()

    @property
    def type(self) -> FieldType:
        return type_of(self.kind)

    @property
    def is_custom(self) -> bool:
        return self.key.startswith("custom.")

    def read(self, cell: str, cells: Cells) -> Any:
        """A cell, typed; a custom field's as JSON. Raises ValidationError."""
        found = self.type.cell(cell, cells, Asked(cells.currency, self.options))
        return self.type.to_json(found) if self.is_custom else found


# Bitrix24 writes its headers in the portal's language: en, pl, fr, vi, de, ru.
_PERSON = (
    Column("name", _("name"), names=("name", "full name", "contact", "contact name", "imie i nazwisko", "nom complet",
        "ho va ten", "ho ten", "kontakt", "контакт", "фио", "person - name", "complete name", "display name")),
    Column("given", _("given name"), names=("first name", "given name", "imie", "prenom", "ten", "vorname", "имя", "firstname", "person - first name")),
    Column("middle", _("middle name"), names=("second name", "middle name", "drugie imie", "deuxieme prenom",
        "ten dem", "zweiter vorname", "отчество")),
    Column("family", _("family name"), names=("last name", "surname", "family name", "nazwisko", "nom", "nom de famille",
        "ho", "nachname", "фамилия", "lastname", "person - last name")),
    Column("mobile", _("mobile phone"), "phones", ("mobile", "mobile phone", "cell", "cell phone", "telefon komorkowy",
        "komorka", "telephone portable", "portable", "di dong", "dien thoai di dong", "mobiltelefon", "handy",
        "мобильныи телефон", "mobile phone number", "mobilephone", "person - phone - mobile"), True),
    Column("phone", _("phone"), "phones", ("phone", "work phone", "home phone", "other phone number", "telefon",
        "telefon sluzbowy", "telefon domowy", "telephone", "telephone professionnel", "dien thoai",
        "dien thoai co quan", "so dien thoai", "telefon geschaftlich", "geschaftliche telefonnummer", "telefon (arbeit)",
        "рабочии телефон", "домашнии телефон", "телефон", "phone number", "other phone", "assistant phone",
        "person - phone", "person - phone - work", "person - phone - home", "person - phone - other"), True),
    Column("email", _("e-mail"), "emails", ("e-mail", "email", "work e-mail", "home e-mail", "other e-mail",
        "work email", "e-mail address", "e-mail sluzbowy", "adres e-mail", "e-mail professionnel", "courriel",
        "adresse e-mail", "e-mail cong viec", "thu dien tu", "geschaftliche e-mail", "рабочии e-mail", "частныи e-mail",
        "secondary email", "email address", "additional email", "person - email", "person - email - work",
        "person - email - home", "person - email - other", "email_from"),
        True),
    Column("company", _("company"), names=("company", "company name", "organization", "organisation", "firma",
        "nazwa firmy", "societe", "entreprise", "cong ty", "unternehmen", "компания", "название компании",
        "account name", "associated company", "person - organization", "related company", "parent_name")),
    Column("address_as", _("how to address"), names=("salutation", "zwrot grzecznosciowy", "civilite")),
    Column("language", _("language"), "language", ("language", "jezyk", "langue", "ngon ngu", "sprache")),
)  # fmt: skip
_COMMON = (
    Column("owner", _("owner"), "user", ("owner", "responsible", "responsible person", "assigned to",
        "osoba odpowiedzialna", "odpowiedzialny", "opiekun", "responsable", "personne responsable", "nguoi phu trach",
        "verantwortlich", "verantwortliche person", "ответственныи", "contact owner", "company owner", "account owner",
        "lead owner", "deal owner", "opportunity owner", "person - owner", "organization - owner", "deal - owner",
        "salesperson", "user_id")),
    Column("tags", _("tags"), "names", ("tags", "labels", "tagi", "etiquettes", "the", "nhan", "теги", "tag", "label", "deal - label", "person - label",
        "organization - label")),
)  # fmt: skip
_COMPANY = (
    Column("name", _("name"), names=("company name", "company", "name", "nazwa firmy", "nazwa", "firma", "nom",
        "societe", "nom de la societe", "ten cong ty", "cong ty", "firmenname", "название компании", "account name",
        "organization - name", "organization", "complete name", "display name", "company domain name")),
    Column("tax_number", _("tax number"), names=("tax id", "tax number", "vat", "vat id", "nip", "numero de tva",
        "siret", "ma so thue", "ust-idnr.", "инн", "vat number", "tax number (vat)")),
    Column("phone", _("phone"), "phones", ("phone", "work phone", "telefon", "telefon sluzbowy", "telephone",
        "telephone professionnel", "dien thoai", "рабочии телефон", "phone number")),
    Column("email", _("e-mail"), "emails", ("e-mail", "email", "work e-mail", "e-mail sluzbowy", "adres e-mail",
        "courriel", "e-mail professionnel", "thu dien tu", "рабочии e-mail")),
    Column("address", _("address"), names=("address", "street address", "adres", "adresse", "dia chi", "адрес", "organization - address",
        "billing street", "billing address", "complete address")),
)  # fmt: skip
_ITEM = (
    Column("title", _("title"), names=("title", "deal name", "deal", "lead name", "name", "nazwa deala", "nazwa",
        "tytul", "temat", "nom de la transaction", "titre", "ten giao dich", "tieu de", "auftragsname",
        "название сделки", "название", "opportunity name", "deal - title", "opportunity", "dealname")),
    Column("stage", _("stage"), "stage", ("stage", "deal stage", "status", "etap", "etap deala", "etape",
        "etape de la transaction", "giai doan", "phase", "auftragsphase", "стадия", "стадия сделки", "deal - stage",
        "stage name", "stagename", "stage_id", "dealstage")),
    Column("amount", _("amount"), "priced", ("amount", "total", "value", "opportunity", "kwota", "wartosc", "montant",
        "so tien", "gia tri", "betrag", "сумма", "deal - value", "deal value", "expected revenue", "expected_revenue",
        "amount in company currency")),
    Column("currency", _("currency"), "currency", ("currency", "waluta", "devise", "tien te", "wahrung", "валюта", "deal currency", "deal - currency",
        "deal - currency of value", "opportunity currency", "amount currency", "currencyisocode", "currency iso code")),
    Column("contact_name", _("contact's name"), names=("contact", "contact name", "contact: name", "customer", "kontakt",
        "klient", "client", "lien he", "khach hang", "контакт", "contact person", "deal - contact person",
        "associated contact", "primary contact", "person - name", "contact_name", "full name")),
    Column("contact_phone", _("contact's phone"), "phones", ("phone", "contact: phone", "contact: work phone",
        "contact: mobile", "work phone", "mobile", "telefon", "telephone", "dien thoai", "телефон", "phone number",
        "mobile phone number", "mobile phone", "person - phone", "person - phone - work", "person - phone - mobile",
        "person - phone - home"), True),
    Column("contact_email", _("contact's e-mail"), "emails", ("e-mail", "email", "contact: e-mail",
        "contact: work e-mail", "work e-mail", "adres e-mail", "courriel", "thu dien tu", "email_from", "email address",
        "person - email", "person - email - work", "person - email - home", "associated email"), True),
    Column("company", _("company"), names=("company", "company name", "firma", "nazwa firmy", "societe", "entreprise",
        "cong ty", "unternehmen", "компания", "account name", "organization", "deal - organization", "associated company",
        "partner_name", "organization - name")),
    Column("source", _("source"), names=("source", "zrodlo", "nguon", "quelle", "источник", "lead source", "deal source", "original source")),
    Column("due_date", _("expected on"), "date", ("expected close date", "expected close", "close date", "end date", "due date",
        "data zakonczenia", "date de cloture", "date de fin", "ngay ket thuc", "предполагаемая дата закрытия",
        "дата завершения", "closing date", "closedate", "deal - expected close date", "expected closing",
        "date_deadline")),
    Column("created_at", _("created at"), "datetime", ("created on", "created", "created at", "date created",
        "data utworzenia", "utworzono", "cree le", "ngay tao", "erstellt am", "дата создания", "create date",
        "created date", "created time", "deal - deal created", "createdate")),
    Column("probability", _("probability, %"), "percent", ("probability", "probability, %", "prawdopodobienstwo",
        "probabilite", "xac suat", "вероятность, %", "probability (%)", "deal probability", "deal - probability")),
    Column("external_id", _("id elsewhere"), names=("id", "external id", "deal id", "record id", "deal - id", "opportunity id", "external_id")),
)  # fmt: skip
_OWN = {
    Import.Target.CONTACTS: (_PERSON, CustomField.Target.CONTACT),
    Import.Target.COMPANIES: (_COMPANY, CustomField.Target.COMPANY),
    Import.Target.ITEMS: (_ITEM, CustomField.Target.ITEM),
}
# What a row cannot do without.
NEEDED = {
    Import.Target.CONTACTS: ("name", "given", "family", "email", "mobile", "phone"),
    Import.Target.COMPANIES: ("name",),
    Import.Target.ITEMS: ("title", "contact_name", "company"),
}


def columns_of(target: str, pipeline: Pipeline | None = None) -> list[Column]:
    """Everything that a file for this target can fill, custom fields too."""
    own, _where = _OWN[Import.Target(target)]
    made = [
        Column(
            f"custom.{field.key}",
            field.label,
            field.type,
            (fold(field.label), fold(field.key)),
            options=field.choices(),
        )
        for field in custom_fields_of(target, pipeline).values()
    ]
    return [*own, *_COMMON, *made]


def custom_fields_of(target: str, pipeline: Pipeline | None = None) -> dict[str, CustomField]:
    """By key, those of the pipeline's item type (and of all types) only: another type may use the same key."""
    where = _OWN[Import.Target(target)][1]
    items = where == CustomField.Target.ITEM
    return {row.key: row for row in (custom_fields(pipeline) if items else CustomField.objects.filter(target=where))}


def guess(headers: list[str], columns: list[Column]) -> dict[str, str]:
    """By the column's place in the file, as text: the field that its header means.

    Names that others use come first, our own labels second: "Nom" is a family name in a French export, and our own
    word for the whole name.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    wanted = [fold(header).rstrip(":*").strip() for header in headers]
    for own_words in (False, True):
        for place, header in enumerate(wanted):
            for column in columns if str(place) not in found else ():
                known = header == fold(str(column.label)) if own_words else header in column.names
                if known and (column.several or column.key not in taken):
                    found[str(place)] = column.key
                    taken.add(column.key)
                    break
    return dict(sorted(found.items(), key=lambda pair: int(pair[0])))
