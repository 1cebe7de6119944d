"""Forms of contacts and companies; phones and e-mail addresses one a line."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from crm.company.models import ZONES
from crm.fields import is_untouched
from crm.fields.email import AddressField
from crm.ground import phones
from crm.ground.addresses import as_typed
from crm.ground.forms.amounts import AmountField
from crm.items import customer_rights
from crm.items.customers import tell_of_sharing
from crm.people.models import Company, Contact, Tag, User
from crm.people.reach import ContactPhone
from crm.pipelines.custom_fields import CustomField
from crm.pipelines.models import Pipeline


class CardOfCustomer(forms.Form):
    """A new card of a customer whose page one is on."""

    pipeline = forms.ModelChoiceField(Pipeline.objects.none(), label=_("pipeline"), empty_label=None)
    title = forms.CharField(label=_("title"), max_length=200)
    amount = AmountField(label=_("amount"), required=False)

    def __init__(self, pipelines: list[Pipeline], data: Any = None, *, title: str) -> None:
        super().__init__(data, initial={"title": title, "pipeline": pipelines[0].pk}, auto_id="card_%s")
        chosen: Any = self.fields["pipeline"]
        chosen.queryset = Pipeline.objects.filter(pk__in=[pipeline.pk for pipeline in pipelines])
        chosen.choices = [(pipeline.pk, f"{pipeline.item_type.name}: {pipeline.name}") for pipeline in pipelines]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        typed, pipeline = self.data.get("amount", ""), data.get("pipeline")
        if pipeline is not None and typed.strip():
            field = AmountField(currency=pipeline.currency)
            try:
                data["amount"] = field.clean(typed)
            except ValidationError as error:
                self.errors.pop("amount", None)
                self.add_error("amount", error)
        return data


LINES = forms.Textarea(attrs={"rows": 2})


class _PersonForm(forms.Form):
    """What contacts and companies have in common: owner, tags, custom fields."""

    target = ""

    def __init__(self, record: Any, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        self.record, self.user = record, user
        owner: Any = self.fields["owner"]
        owner.queryset = User.objects.filter(is_active=True)
        for row in CustomField.objects.filter(target=self.target):
            made = row.field.form_field()
            made.initial = row.field.type.initial(record.custom.get(row.key))
            if not (self.is_bound and is_untouched(made, self.data.get(row.field.name))):
                self.fields[row.field.name] = made
        for name in self.columns():
            self.fields[name].initial = getattr(record, name)
            # A page asks each field how its value is told; of a column the value itself tells.
            self.fields[name].described = getattr(self.fields[name], "described", None)  # type: ignore[attr-defined]
        self.fields["tags"].initial = ", ".join(tag.name for tag in record.tags.all()) if record.pk else ""
        if not record.pk:
            owner.initial = user.pk

    def columns(self) -> list[str]:
        own = ("tags", "phones", "emails", "company_name")
        return [name for name in self.fields if name not in own and not name.startswith("custom.")]

    def clean_owner(self) -> User | None:
        """Who adds for himself alone adds for nobody else; whoever has a customer may give it away."""
        owner: User | None = self.cleaned_data["owner"]
        if not self.record.pk and not customer_rights.hands_to(self.user, "add", owner):
            raise ValidationError(_("Your role may not add customers of this owner."))
        return owner

    def _save_common(self) -> None:
        record, data = self.record, self.cleaned_data
        for name in self.columns():
            setattr(record, name, data[name])
        values = {n.removeprefix("custom."): data[n] for n in self.fields if n.startswith("custom.")}
        fields: dict[str, Any] = self.fields
        kept = {
            key: fields[f"custom.{key}"].described.kept(value)
            for key, value in values.items()
            if value not in (None, "")
        }
        others = {key: value for key, value in record.custom.items() if key not in values}
        record.custom = others | kept
        record.save()
        names = [name.strip()[:50] for name in data["tags"].split(",") if name.strip()]
        record.tags.set([Tag.objects.get_or_create(name=name)[0] for name in names])


class ContactForm(_PersonForm):
    target = "contact"
    name = forms.CharField(label=_("name"), max_length=200)
    address_as = forms.CharField(
        label=_("how to address"), max_length=100, required=False, help_text=_("Empty: worked out from the name.")
    )
    phones = forms.CharField(label=_("phones"), required=False, widget=LINES, help_text=_("One a line."))
    emails = forms.CharField(label=_("e-mail addresses"), required=False, widget=LINES, help_text=_("One a line."))
    company_name = forms.CharField(
        label=_("company"), max_length=200, required=False, help_text=_("Found by its name, or made.")
    )
    language = forms.ChoiceField(label=_("language"), required=False)
    zone = forms.ChoiceField(
        label=_("time zone"), required=False, choices=[("", "—"), *ZONES], help_text=_("Empty: by the phone's country.")
    )
    owner = forms.ModelChoiceField(User.objects.none(), label=_("owner"), required=False, empty_label="—")
    tags = forms.CharField(label=_("tags"), required=False, max_length=500, help_text=_("Separated by commas."))
    no_email = forms.BooleanField(label=_("wants no e-mail"), required=False)
    no_sms = forms.BooleanField(label=_("wants no SMS"), required=False)

    def __init__(self, record: Contact, data: Any = None, *, user: User) -> None:
        super().__init__(record, data, user=user)
        language: Any = self.fields["language"]
        language.choices = [("", "—"), *settings.LANGUAGES]
        if record.pk:
            self.fields["phones"].initial = "\n".join(map(str, record.phones.all()))
            self.fields["emails"].initial = "\n".join(row.address for row in record.emails.all())
            self.fields["company_name"].initial = record.company.name if record.company else ""

    def clean_phones(self) -> list[str]:
        return list(dict.fromkeys(phones.parse(line) for line in _lines(self.cleaned_data["phones"])))

    def clean_emails(self) -> list[str]:
        found = []
        for line in _lines(self.cleaned_data["emails"]):
            address = as_typed(line)
            try:
                validate_email(address)
                if len(address) > 254:
                    raise ValidationError("")
            except ValidationError:
                raise ValidationError(_("“%s” is not an e-mail address.") % line) from None
            found.append(address)
        return list(dict.fromkeys(found))

    def clean_company_name(self) -> str:
        """Known, or one that the person may add."""
        name: str = self.cleaned_data["company_name"].strip()
        if name and self._company(name) is None and not customer_rights.hands_to(self.user, "add", self.user):
            raise ValidationError(customer_rights.REFUSALS["add"])
        return name

    @staticmethod
    def _company(name: str) -> Company | None:
        return Company.objects.filter(search_key=Company(name=name).folded()).first()

    def save(self) -> Contact:
        record, data = self.record, self.cleaned_data
        name = data["company_name"]
        record.company = (self._company(name) or Company.objects.create(name=name, owner=self.user)) if name else None
        had = (
            {*record.phones.values_list("number", flat=True), *record.emails.values_list("address", flat=True)}
            if record.pk
            else set()
        )
        self._save_common()
        _set_rows(record.phones, "number", {str(number): ContactPhone.typed(number) for number in data["phones"]})
        _set_rows(record.emails, "address", {address: {} for address in data["emails"]})
        tell_of_sharing(record, {*data["phones"], *data["emails"]} - had, self.user)
        return record


class CompanyForm(_PersonForm):
    target = "company"
    name = forms.CharField(label=_("name"), max_length=200)
    tax_number = forms.CharField(label=_("tax number"), max_length=40, required=False)
    phone = forms.CharField(label=_("phone"), max_length=40, required=False)
    email = AddressField(label=_("e-mail"), required=False, max_length=254)
    address = forms.CharField(label=_("address"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    owner = forms.ModelChoiceField(User.objects.none(), label=_("owner"), required=False, empty_label="—")
    tags = forms.CharField(label=_("tags"), required=False, max_length=500, help_text=_("Separated by commas."))

    def clean_phone(self) -> str:
        return phones.parse(self.cleaned_data["phone"]).whole

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"])

    def save(self) -> Company:
        self._save_common()
        return self.record


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _set_rows(rows: Any, column: str, values: dict[str, dict[str, Any]]) -> None:
    """Exactly these values, in this order, new ones with these columns; rows that stay keep what else they hold."""
    rows.exclude(**{f"{column}__in": values}).delete()
    for order, (value, columns) in enumerate(values.items()):
        changed = {"order": order} | ({"extension": columns["extension"]} if columns else {})
        rows.update_or_create(**{column: value}, defaults=changed, create_defaults={"order": order, **columns})
