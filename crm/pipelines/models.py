"""Item types, pipelines, stages, allowed moves; the compiled machine that each process keeps of a pipeline."""

from __future__ import annotations

import secrets
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.company.models import Department, OwnCompany, WorkingCalendar
from crm.ground import databases
from crm.ground.amounts import check_currency
from crm.pipelines import rights


class ItemType(models.Model):
    """lead, deal, quote, invoice, or one the administrator adds."""

    key = models.SlugField(_("key"), unique=True)
    name = models.CharField(_("name"), max_length=60)
    plural = models.CharField(_("plural"), max_length=60)
    icon = models.CharField(_("icon"), max_length=40, default="layout-kanban")
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("item type")
        verbose_name_plural = _("item types")

    def __str__(self) -> str:
        return self.name


def new_version() -> int:
    """A version nobody had: random, so that a rolled-back edit can never meet a cached machine again."""
    return secrets.randbits(52)


class PipelineQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Pipelines in which the user sees some items (crm/pipelines/rights.py)."""
        if user.is_superuser or not user.is_active:
            return self.all() if user.is_active else self.none()
        hidden = rights.hidden_pipelines(user)
        return self.exclude(pk__in=hidden) if hidden else self.all()

    def in_use(self) -> Self:
        """Without those that are archived or removed."""
        return self.filter(state=Pipeline.State.IN_USE)

    def configured_by(self, user: Any) -> Self:
        """Pipelines that the user may set up: stages, rules, triggers, forms."""
        if user.is_superuser or not user.is_active:
            return self.all() if user.is_active else self.none()
        named = rights.reach(user)
        return self.filter(pk__in=[pk for pk, scopes in named.items() if scopes["configure"]])


class Pipeline(models.Model):
    class State(models.TextChoices):
        IN_USE = "", _("in use")
        # Its cards can be read and found; none is added, none moves (crm/items/archiving.py).
        ARCHIVED = "archived", _("archived")
        # Its cards are on their way to another one, and it is not used again.
        REMOVING = "removing", _("being removed")
        # Kept for what the past of cards says of it; nobody meets it any more.
        REMOVED = "removed", _("removed")

    item_type = models.ForeignKey(ItemType, models.PROTECT, related_name="pipelines", verbose_name=_("item type"))
    name = models.CharField(_("name"), max_length=80)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    is_default = models.BooleanField(_("default for its type"), default=False)
    currency = models.CharField(_("currency"), max_length=3, default="EUR", validators=[check_currency])
    calendar = models.ForeignKey(
        WorkingCalendar,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("working calendar"),
        help_text=_("Empty: the own company's."),
    )
    may_skip = models.BooleanField(_("people may skip stages"), default=True)
    may_go_back = models.BooleanField(_("people may move back"), default=True)
    undo_seconds = models.PositiveSmallIntegerField(_("undo window, seconds"), default=10)
    card_fields = models.JSONField(
        _("fields on cards"),
        default=list,
        blank=True,
        help_text=_("Up to six, besides title, customer, amount and owner."),
    )
    automation_owner = models.ForeignKey(
        "crm.User",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("automation owner"),
        help_text=_("Takes over rules whose publisher is no longer active."),
    )
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, blank=True, default=State.IN_USE, editable=False
    )
    machine_version = models.BigIntegerField(default=new_version, editable=False)

    objects = PipelineQuerySet.as_manager()

    class Meta:
        ordering = ["item_type__order", "order", "pk"]
        verbose_name = _("pipeline")
        verbose_name_plural = _("pipelines")
        constraints = [
            models.UniqueConstraint(
                fields=["item_type"], condition=Q(is_default=True), name="one_default_pipeline_a_type"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        return self.state != self.State.IN_USE

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.machine_version = new_version()
        super().save(*args, **kwargs)
        BoardVersion.objects.get_or_create(pipeline=self)

    def touch_machine(self) -> None:
        """Stages, transitions or rules were edited: compiled machines in all processes are out of date."""
        with transaction.atomic():
            databases.lock(Pipeline.objects.filter(pk=self.pk)).values_list("pk").first()
            Pipeline.objects.filter(pk=self.pk).update(machine_version=new_version())

    def working_time(self) -> Any:
        """The pipeline's calendar, else the own company's, else none that ever opens is asked for."""
        calendar = self.calendar
        if calendar is None:
            own = OwnCompany.first()
            calendar = own.calendar if own else None
        return calendar.working_time() if calendar else None


def touch_all_machines() -> None:
    """Something that is compiled into every machine was edited: roles, custom fields."""
    for pk in Pipeline.objects.order_by("pk").values_list("pk", flat=True):
        Pipeline.objects.filter(pk=pk).update(machine_version=new_version())


class StageKind(models.TextChoices):
    OPEN = "open", _("open")
    WON = "won", _("won")
    LOST = "lost", _("lost")


COLOURS = [
    (key, label)
    for key, label in (
        ("blue", _("blue")),
        ("azure", _("azure")),
        ("indigo", _("indigo")),
        ("purple", _("purple")),
        ("pink", _("pink")),
        ("red", _("red")),
        ("orange", _("orange")),
        ("yellow", _("yellow")),
        ("lime", _("lime")),
        ("green", _("green")),
        ("teal", _("teal")),
        ("grey", _("grey")),
    )
]


class ActiveStages(models.Manager["Stage"]):
    def get_queryset(self) -> models.QuerySet[Stage]:
        return super().get_queryset().filter(retired=False)


class Stage(models.Model):
    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="stages", verbose_name=_("pipeline"))
    name = models.CharField(_("name"), max_length=80)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    kind = models.CharField(_("kind"), max_length=4, choices=StageKind.choices, default=StageKind.OPEN)
    colour = models.CharField(_("colour"), max_length=10, choices=COLOURS, default="blue")
    probability = models.PositiveSmallIntegerField(_("probability, %"), default=0)
    days_to_rot = models.PositiveSmallIntegerField(_("working days until stale"), default=0, help_text=_("0: never"))
    guidance = models.TextField(_("guidance"), blank=True)
    needed_to_enter = models.JSONField(
        _("fields needed to enter"), default=list, blank=True, help_text=_("Asked for when a card is moved here.")
    )
    needed_to_leave = models.JSONField(_("fields needed to leave"), default=list, blank=True)
    entered_by = models.ManyToManyField(
        Department, blank=True, verbose_name=_("who may enter"), help_text=_("Empty: everybody who sees the pipeline.")
    )
    retired = models.BooleanField(_("retired"), default=False)

    objects = models.Manager()
    active = ActiveStages()

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("stage")
        verbose_name_plural = _("stages")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        ColumnVersion.objects.get_or_create(stage=self)
        self.pipeline.touch_machine()

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        deleted = super().delete(*args, **kwargs)
        self.pipeline.touch_machine()
        return deleted

    @property
    def is_open(self) -> bool:
        return self.kind == StageKind.OPEN


class StageTransition(models.Model):
    """An allowed move. A pipeline with none allows all moves that its switches allow."""

    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="transitions")
    source = models.ForeignKey(Stage, models.CASCADE, related_name="+", verbose_name=_("from"))
    target = models.ForeignKey(Stage, models.CASCADE, related_name="+", verbose_name=_("to"))

    class Meta:
        verbose_name = _("allowed move")
        verbose_name_plural = _("allowed moves")
        constraints = [models.UniqueConstraint(fields=["source", "target"], name="one_transition_a_pair")]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"

    def clean(self) -> None:
        if {self.source.pipeline_id, self.target.pipeline_id} != {self.pipeline_id}:
            raise ValidationError(_("Both stages must belong to this pipeline."))

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        self.pipeline.touch_machine()

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        deleted = super().delete(*args, **kwargs)
        self.pipeline.touch_machine()
        return deleted


class LostReason(models.Model):
    pipeline = models.ForeignKey(
        Pipeline, models.CASCADE, null=True, blank=True, related_name="lost_reasons", help_text=_("Empty: all")
    )
    name = models.CharField(_("name"), max_length=80)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("lost reason")
        verbose_name_plural = _("lost reasons")

    def __str__(self) -> str:
        return self.name


class BoardVersion(models.Model):
    """Bumped last in each transaction that changes what a board shows; what polling reads."""

    pipeline = models.OneToOneField(Pipeline, models.CASCADE, related_name="board_version")
    version = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.pipeline}: {self.version}"


class ColumnVersion(models.Model):
    """The board version at which a column last changed; a poll sends only newer columns."""

    stage = models.OneToOneField(Stage, models.CASCADE, related_name="column_version")
    version = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.stage}: {self.version}"
