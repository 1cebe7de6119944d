"""Forms for items: the fields that people fill, and the dialog that asks for what a stage needs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm.fields import Field, is_untouched, own
from crm.fields.email import AddressField
from crm.ground.forms.amounts import AmountField
from crm.ground.forms.phones import PhoneField
from crm.items.customers import Found, find_or_make
from crm.items.models.items import Item
from crm.people.models import Contact, User
from crm.pipelines.models import LostReason, Stage

COLUMNS = tuple(own.ITEM)


def described(item: Item, name: str) -> Field:
    """A column or "custom.key" of the item, amounts in its currency. Raises ValidationError for one that has gone."""
    found = item.machine().field(name)
    if found is None:
        raise ValidationError(_("The field “%s” no longer exists.") % name)
    return found.in_currency(item.currency)


def field_for(item: Item, name: str, required: bool, user: User | None = None) -> forms.Field:
    """The form field of a column, or of "custom.key". Raises ValidationError where the custom field has gone.

    Args:
        user: who fills it, and is offered the customers that he sees; None: a rule.
    """
    made = described(item, name).form_field(required)
    if user is not None and name in ("contact", "company"):
        choice: Any = made
        choice.queryset = choice.queryset.model.objects.choosable_by(user, getattr(item, f"{name}_id"))
    return made


def initial_for(item: Item, name: str) -> Any:
    """The item's value as the field of that name shows it."""
    kept = item.value_of(name)
    return described(item, name).type.initial(kept) if name.startswith("custom.") else kept


def cleaned_for_item(item: Item, data: dict[str, Any]) -> dict[str, Any]:
    """Cleaned values by name, as the item keeps them."""
    return {name: described(item, name).kept(value) for name, value in data.items()}


class NeedsForm(forms.Form):
    """What the target stage asks for: missing fields, a lost reason. Filling it makes the move."""

    def __init__(
        self, item: Item, stage: Stage, missing: list[str], needs_reason: bool, data: Any = None, *, user: User
    ) -> None:
        super().__init__(data)
        self.item, self.names = item, missing
        for name in missing:
            self.fields[name] = field_for(item, name, True, user)
        self.needs_reason = needs_reason
        if needs_reason:
            reasons = LostReason.objects.filter(pipeline_id=item.pipeline_id) | LostReason.objects.filter(pipeline=None)
            self.fields["lost_reason"] = forms.ModelChoiceField(
                reasons.order_by("order", "pk"), label=_("Why was it lost?"), required=False, empty_label="—"
            )
            self.fields["lost_note"] = forms.CharField(
                label=_("In your words"), required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=2000
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.needs_reason and not data.get("lost_reason") and not data.get("lost_note", "").strip():
            self.add_error("lost_reason", _("Choose a reason, or write one."))
        return data

    def values(self) -> dict[str, Any]:
        return cleaned_for_item(self.item, {name: self.cleaned_data[name] for name in self.names})


class ItemForm(forms.Form):
    """All fields of an item's left side, custom ones included."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, item: Item, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        self.item = item
        names = [*COLUMNS, *(f"custom.{key}" for key in item.machine().fields)]
        for name in names:
            made = field_for(item, name, name in ("title", "currency"), user)
            made.initial = initial_for(item, name)
            if isinstance(made, AmountField) and self.data.get("currency"):
                made.currency = str(self.data["currency"]).strip().upper()  # changed along with the amount
            if not (self.is_bound and is_untouched(made, self.data.get(name))):
                self.fields[name] = made
        # A select of two hundred thousand contacts helps nobody: the linked one, or search by number.
        for name in ("contact", "company"):
            self.fields[name].widget = forms.HiddenInput()
        self.fields["version"].initial = item.version

    def values(self) -> dict[str, Any]:
        """What was sent; an empty tick box or list of several is sent by being left out."""
        sent = {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "version" and not self.fields[name].widget.value_omitted_from_data(self.data, self.files, name)
        }
        return cleaned_for_item(self.item, sent)


class NewItemForm(forms.Form):
    """Quick create: title, customer found by e-mail or phone or made, amount."""

    title = forms.CharField(label=_("title"), max_length=200)
    customer = forms.CharField(
        label=_("customer"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"list": "customers", "autocomplete": "off"}),
        help_text=_("Choose a known one, or write a new name."),
    )
    customer_id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    phone = PhoneField(label=_("phone"), required=False)
    email = AddressField(label=_("e-mail"), required=False, max_length=254)
    amount = AmountField(label=_("amount"), required=False)

    def __init__(self, data: Any = None, *, currency: str) -> None:
        super().__init__(data)
        box: Any = self.fields["amount"]
        box.currency = currency

    def found(self, user: User) -> Found | None:
        """The customer, known or made. Raises Forbidden where the person may add none."""
        data = self.cleaned_data
        if not (data["customer"] or data["phone"] or data["email"]):
            return None
        mine = Contact.objects.visible_to(user)
        known = mine.filter(pk=data["customer_id"] or 0, name=data["customer"]).first()
        return find_or_make(user, name=data["customer"], email=data["email"], phone=data["phone"], known=known)
