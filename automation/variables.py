"""Typed variables of rules: of a visit, of a card, of the company; and constants, which only administrators change."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.fields import type_of
from crm.ground import clock, databases
from crm.models import Item, Pipeline, StageVisit

TYPES = ("text", "number", "date", "datetime", "boolean")
MOST = 2000  # characters of a text


def type_choices() -> list[tuple[str, Any]]:
    return [(key, type_of(key).label) for key in TYPES]


class VariableQuerySet(models.QuerySet["Variable"]):
    def of(self, pipeline: int) -> VariableQuerySet:
        """Those that rules of the pipeline (its id) may name."""
        return self.filter(models.Q(pipeline=pipeline) | models.Q(pipeline=None), retired=False)

    def settable(self) -> VariableQuerySet:
        return self.filter(is_constant=False)


class Variable(models.Model):
    class Scope(models.TextChoices):
        VISIT = "visit", _("the stay in a stage")
        ITEM = "item", _("the card")
        COMPANY = "company", _("the whole company")

    key = models.SlugField(_("key"), max_length=40, unique=True, help_text=_("Merge texts read it as vars.key."))
    label = models.CharField(_("name"), max_length=80)
    type = models.CharField(_("type"), max_length=10, choices=type_choices, default="text")
    scope = models.CharField(_("belongs to"), max_length=8, choices=Scope.choices, default=Scope.ITEM)
    pipeline = models.ForeignKey(
        Pipeline,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("pipeline"),
        help_text=_("Empty: all pipelines."),
    )
    is_constant = models.BooleanField(_("constant"), default=False, help_text=_("Rules read it and cannot change it."))
    # Of the company's; of others what it is before a rule has set it.
    value = models.JSONField(_("value"), null=True, blank=True, default=None)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    # Out of its pipeline's document; what cards have of it stays, and is there again when it comes back.
    retired = models.BooleanField(_("retired"), default=False, editable=False)

    objects = VariableQuerySet.as_manager()

    class Meta:
        ordering = ["label"]
        verbose_name = _("variable")
        verbose_name_plural = _("variables")

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        self.key = self.key.replace("-", "_").lower()
        if self.is_constant and self.scope != self.Scope.COMPANY:
            raise ValidationError({"is_constant": [_now("A constant belongs to the whole company.")]})
        if self.is_constant and self.value in (None, ""):
            raise ValidationError({"value": [_now("A constant needs a value.")]})
        if self.value not in (None, ""):
            try:
                self.value = self.read(str(self.value))
            except ValidationError as error:
                raise ValidationError({"value": error.messages}) from error

    def read(self, text: str) -> Any:
        """A text as the value is kept (JSON). Raises ValidationError for what is none of its type."""
        kind = type_of(self.type)
        if len(text) > MOST:
            raise ValidationError(_now("At most %d characters.") % MOST)
        return kind.to_json(kind.cleaned_text(text.strip()))

    def put(self, kept: Any, item: Item, visit: StageVisit) -> None:
        """Keep a value (as `read` gives it) where the variable belongs."""
        if self.scope == self.Scope.COMPANY:
            row = databases.lock(Variable.objects.filter(pk=self.pk)).get()
            row.value = self.value = kept
            row.save(update_fields=["value"])
            return
        place: dict[str, Any] = {"item": item, "visit": visit if self.scope == self.Scope.VISIT else None}
        VariableValue.objects.update_or_create(
            defaults={"value": kept, "changed_at": clock.now()}, variable=self, **place
        )


class VariableValue(models.Model):
    variable = models.ForeignKey(Variable, models.CASCADE, related_name="values_set")
    item = models.ForeignKey(Item, models.CASCADE, related_name="+")
    visit = models.ForeignKey(StageVisit, models.CASCADE, null=True, related_name="+")
    value = models.JSONField(null=True)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["variable", "item"], condition=models.Q(visit=None), name="variable_once_an_item"
            ),
            models.UniqueConstraint(
                fields=["variable", "visit"], condition=models.Q(visit__isnull=False), name="variable_once_a_visit"
            ),
        ]
        indexes = [models.Index(fields=["item"], name="variables_of_item")]

    def __str__(self) -> str:
        return f"{self.variable}: {self.value}"


def kept_values(item: Item, visit_id: int | None, defined: list[Variable] | None = None) -> list[tuple[Variable, Any]]:
    """Each variable that this card's rules may read, with its value as kept; two queries.

    Args:
        defined: those of its pipeline, where they are at hand: one query.
    """
    known = list(Variable.objects.of(item.pipeline_id)) if defined is None else defined
    if not known:
        return []
    place = models.Q(visit=None) | models.Q(visit=visit_id or 0)
    rows = VariableValue.objects.filter(place, item=item.pk).values_list("variable", "value")
    found = dict(rows)
    return [(one, found.get(one.pk, one.value)) for one in known]


class Variables(dict[str, Any]):
    """vars.<key> for merge texts and conditions; read from the database when one first asks."""

    def __init__(self, item: Item, visit: StageVisit | None, defined: list[Variable] | None = None) -> None:
        super().__init__(
            {
                one.key: type_of(one.type).merge_value(kept)
                for one, kept in kept_values(item, visit.pk if visit is not None else None, defined)
            }
        )
