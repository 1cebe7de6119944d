"""Fields that administrators add to items, contacts and companies: typed values in one JSON column."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm import decimals, phones
from crm.forms.amounts import AmountField
from crm.forms.moments import DayField, MomentField
from crm.models.pipelines import ItemType, touch_all_machines


class PhoneFormField(forms.CharField):
    """A phone number in any habit; cleans to E.164 (a PhoneNumber, with its extension)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> phones.PhoneNumber:
        return phones.parse(super().clean(value))


class OfferedPhoneField(PhoneFormField):
    """A phone on a public form: one that cannot be read stays as it was typed, unless the form needs it."""

    def clean(self, value: Any) -> Any:
        value = str(value or "").replace("\0", "")  # PostgreSQL keeps none, and the lead is worth more
        try:
            return super().clean(value)
        except ValidationError:
            if self.required:
                raise
            return str(value).strip()[:200]


class FieldType(models.TextChoices):
    TEXT = "text", _("text")
    LONG_TEXT = "long_text", _("long text")
    NUMBER = "number", _("number")
    MONEY = "money", _("money")
    DATE = "date", _("date")
    DATETIME = "datetime", _("date and time")
    BOOLEAN = "boolean", _("yes / no")
    LIST = "list", _("list")
    MULTI_LIST = "multi_list", _("list, several")
    LINK = "link", _("link")
    PHONE = "phone", _("phone")
    EMAIL = "email", _("e-mail")


class CustomField(models.Model):
    class Target(models.TextChoices):
        ITEM = "item", _("item")
        CONTACT = "contact", _("contact")
        COMPANY = "company", _("company")

    target = models.CharField(_("belongs to"), max_length=10, choices=Target.choices, default=Target.ITEM)
    item_type = models.ForeignKey(
        ItemType, models.CASCADE, null=True, blank=True, verbose_name=_("item type"), help_text=_("Empty: all types")
    )
    key = models.SlugField(_("key"), max_length=40, help_text=_("Used in merge texts; cannot be changed later."))
    label = models.CharField(_("label"), max_length=80)
    type = models.CharField(_("type"), max_length=12, choices=FieldType.choices, default=FieldType.TEXT)
    options = models.TextField(_("options"), blank=True, help_text=_("One a line, for lists."))
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        ordering = ["target", "order", "pk"]
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")
        constraints = [models.UniqueConstraint(fields=["target", "item_type", "key"], name="one_key_a_target")]

    def __str__(self) -> str:
        return self.label

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        touch_all_machines()  # they hold the definitions

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        deleted = super().delete(*args, **kwargs)
        touch_all_machines()
        return deleted

    def clean(self) -> None:
        if "-" in self.key:
            raise ValidationError({"key": _("Use letters, digits and underscores.")})
        same = CustomField.objects.filter(target=self.target, key=self.key).exclude(pk=self.pk)
        if self.item_type_id is not None:
            same = same.filter(models.Q(item_type=None) | models.Q(item_type=self.item_type_id))
        if same.exists():
            raise ValidationError({"key": _("Another field has this key already.")})
        if self.type in (FieldType.LIST, FieldType.MULTI_LIST) and not self.choices():
            raise ValidationError({"options": _("A list needs at least one option.")})

    @classmethod
    def of_items(cls, item_type: int | None = None) -> models.QuerySet[CustomField]:
        """What items of a type (its id) have, in their order: its own fields and those of all types; every one of
        any type without one. Where a pipeline is known, `Machine.fields` holds them without a query."""
        fields = cls.objects.filter(target=cls.Target.ITEM)
        return fields if item_type is None else fields.filter(models.Q(item_type=None) | models.Q(item_type=item_type))

    def choices(self) -> list[tuple[str, str]]:
        return [(line.strip(), line.strip()) for line in self.options.splitlines() if line.strip()]

    def form_field(self, required: bool = False) -> forms.Field:
        """The Django form field that asks for a value of this type."""
        options: dict[str, Any] = {"label": self.label, "required": required}
        build = {
            FieldType.TEXT: lambda: forms.CharField(max_length=500, **options),
            FieldType.LONG_TEXT: lambda: forms.CharField(max_length=20000, widget=forms.Textarea, **options),
            FieldType.NUMBER: lambda: AmountField(limit=decimals.NUMBER, **options),
            FieldType.MONEY: lambda: AmountField(**options),
            FieldType.DATE: lambda: DayField(widget=forms.DateInput(attrs={"type": "date"}), **options),
            FieldType.DATETIME: lambda: MomentField(
                widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"), **options
            ),
            FieldType.BOOLEAN: lambda: forms.BooleanField(**options),
            FieldType.LIST: lambda: forms.ChoiceField(choices=[("", "—"), *self.choices()], **options),
            FieldType.MULTI_LIST: lambda: forms.MultipleChoiceField(choices=self.choices(), **options),
            FieldType.LINK: lambda: forms.URLField(assume_scheme="https", **options),
            FieldType.PHONE: lambda: PhoneFormField(**options),
            FieldType.EMAIL: lambda: forms.EmailField(**options),
        }
        return build[FieldType(self.type)]()

    def initial(self, kept: Any) -> Any:
        """A kept value as its form field shows it; text that no longer fits its type stays text."""
        if self.type == FieldType.DATETIME and isinstance(kept, str) and kept:
            try:
                return datetime.fromisoformat(kept)
            except ValueError:
                return kept
        if self.type in (FieldType.NUMBER, FieldType.MONEY) and isinstance(kept, str) and kept:
            try:  # as a number: its box shows it as the reader's language writes it, and so reads it back
                return Decimal(kept)
            except ArithmeticError:
                return kept
        return kept

    @staticmethod
    def to_json(value: Any) -> Any:
        """A cleaned value as it stands in the JSON column: numbers and dates as text, moments in UTC."""
        if isinstance(value, phones.PhoneNumber):
            return value.whole
        if value is None or isinstance(value, str | bool | list):
            return value
        if isinstance(value, datetime) and value.tzinfo is not None:
            value = value.astimezone(UTC)
        return value.isoformat() if hasattr(value, "isoformat") else str(value)


def as_typed(field: Any, value: Any) -> Any:
    """A JSON value as a person would have typed it into the field. Raises ValidationError for a shape it cannot take."""
    if isinstance(field, forms.MultipleChoiceField):
        return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []
    if isinstance(field, forms.BooleanField):
        if value is not None and not isinstance(value, bool):
            raise ValidationError(_now("This is true or false."))
        return bool(value)
    if isinstance(value, list | dict | bool):
        raise ValidationError(_now("A single text or number is needed here."))
    if isinstance(field, forms.DecimalField) and value not in (None, ""):
        try:  # a dot is a dot here, in whatever language the token's person reads
            return Decimal(str(value))
        except ArithmeticError:
            raise ValidationError(field.error_messages["invalid"]) from None
    return "" if value is None else str(value)
