"""Fields that administrators add to items, contacts and companies: typed values in one JSON column."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.fields import Field, own, type_choices, type_of
from crm.pipelines.models import ItemType, touch_all_machines


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
    type = models.CharField(_("type"), max_length=40, choices=type_choices, default="text")
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
        if type_of(self.type).has_options and not self.choices():
            raise ValidationError({"options": _("A list needs at least one option.")})

    @classmethod
    def of_items(cls, item_type: int | None = None) -> models.QuerySet[CustomField]:
        """What items of a type (its id) have, in their order: its own fields and those of all types; every one of
        any type without one. Where a pipeline is known, `Machine.fields` holds them without a query."""
        fields = cls.objects.filter(target=cls.Target.ITEM)
        return fields if item_type is None else fields.filter(models.Q(item_type=None) | models.Q(item_type=item_type))

    def choices(self) -> list[tuple[str, str]]:
        """Of a list: what may be chosen; empty for other types."""
        return [(line.strip(), line.strip()) for line in self.options.splitlines() if line.strip()]

    @property
    def field(self) -> Field:
        """It described as our own fields are."""
        return Field(f"custom.{self.key}", self.label, type_of(self.type), self.choices())


# Six at most, or a card is no card any more.
MOST_ON_CARD = 6


def card_choices() -> list[tuple[str, Any]]:
    """What a pipeline may show on its cards: (name, label)."""
    custom = CustomField.of_items().values_list("key", "label")
    ours = ((field.name, field.label) for field in own.ON_CARD.values())
    return [*ours, *((f"custom.{key}", label) for key, label in custom)]
