"""Anything that moves through stages: its fields, how it is made and changed. Moving and deleting have files of their own."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _
from django_fsm import GET_STATE, transition

from crm.company.rates import base_amount
from crm.events.models import Cause
from crm.events.record import plain, record, record_many
from crm.ground import clock, databases
from crm.ground.columns.decimals import MoneyField
from crm.ground.columns.moments import DayField
from crm.ground.columns.search_key import SearchKeyField
from crm.ground.columns.words import WordsField, indexed
from crm.ground.decimals import Unreadable
from crm.ground.folding import fold
from crm.ground.refused import Refused
from crm.ground.sentences import said
from crm.items import customer_rights
from crm.items.models import profit, tasks
from crm.items.models.deleting import Deleting
from crm.items.models.gate import CHECKS, Move, Stale, checked_by
from crm.items.models.item_set import ItemQuerySet
from crm.items.models.moving import Moving
from crm.items.models.visits import StageVisit
from crm.people.models import Company, Contact, Tag, User
from crm.pipelines import boards
from crm.pipelines.machine import Machine, machine_of
from crm.pipelines.models import ItemType, LostReason, Pipeline, Stage, StageKind
from crm.pipelines.stage_field import RefreshMixin, StageField


class Item(Moving, Deleting, RefreshMixin, models.Model):
    type_key: ClassVar[str | None] = None
    # What the transition's conditions read: django-fsm hands them the instance alone.
    intent: Move
    # Marks of upper layers, put on by the board.
    badges: list[Any]
    extras: list[tuple[Any, str]]
    html: str
    earned: Any

    item_type = models.ForeignKey(ItemType, models.PROTECT, related_name="items", verbose_name=_("type"))
    title = models.CharField(_("title"), max_length=200)
    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="items", verbose_name=_("pipeline"))
    stage = StageField(Stage, models.PROTECT, protected=True, related_name="items", verbose_name=_("stage"))
    owner = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="items", verbose_name=_("owner")
    )
    observers = models.ManyToManyField(User, blank=True, related_name="observes", verbose_name=_("observers"))
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="items", verbose_name=_("contact")
    )
    contacts = models.ManyToManyField(Contact, blank=True, related_name="+", verbose_name=_("further contacts"))
    company = models.ForeignKey(
        Company, models.SET_NULL, null=True, blank=True, related_name="items", verbose_name=_("company")
    )
    amount = MoneyField(_("amount"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    base_amount = MoneyField(null=True, blank=True, editable=False)
    probability = models.PositiveSmallIntegerField(_("probability, %"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=80, blank=True)
    first_touch = models.JSONField(default=dict, blank=True, editable=False)
    last_touch = models.JSONField(default=dict, blank=True, editable=False)
    due_date = DayField(_("expected on"), null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    lost_reason = models.ForeignKey(
        LostReason, models.SET_NULL, null=True, blank=True, verbose_name=_("lost reason"), related_name="+"
    )
    lost_note = models.TextField(_("lost because"), blank=True)
    stage_entered_at = models.DateTimeField(default=clock.now, editable=False)
    last_activity_at = models.DateTimeField(default=clock.now, editable=False)
    next_activity_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Found by an address that somebody typed who does not see that customer: this card shows the name alone.
    hides_customer = models.BooleanField(default=False, editable=False)
    tags = models.ManyToManyField(Tag, blank=True, verbose_name=_("tags"))
    custom = models.JSONField(_("own fields"), default=dict, blank=True)
    parent = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="children", verbose_name=_("made from")
    )
    external_id = models.CharField(_("number in another system"), max_length=100, blank=True)
    rank = models.FloatField(default=0, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    search_key = SearchKeyField()
    words = WordsField()
    visit = models.ForeignKey(StageVisit, models.SET_NULL, null=True, blank=True, related_name="+", editable=False)
    automation_paused_at = models.DateTimeField(_("automation paused since"), null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        indexes = [
            # A board's column: its cards in their order.
            models.Index(fields=["stage", "rank", "-id"], name="item_column", condition=Q(deleted_at__isnull=True)),
            # Column headers: count and sum from the index alone.
            models.Index(
                fields=["pipeline", "stage", "currency", "amount", "base_amount"],
                name="item_totals",
                condition=Q(deleted_at__isnull=True),
            ),
            # What is found in many items is shown newest first, by walking this.
            models.Index(fields=["-last_activity_at"], name="item_recent", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["external_id"], name="item_external", condition=~Q(external_id="")),
            models.Index(fields=["owner", "-last_activity_at"], name="item_of_owner"),
            models.Index(fields=["contact", "-created_at"], name="item_of_contact"),
        ]

    def __str__(self) -> str:
        return self.title

    def says(self) -> list[Any]:
        return list(self.custom.values())

    def folded(self) -> str:
        return fold(f"{self.title} {self.external_id}")[:250]

    @transition(
        field=stage,
        source="*",
        target=GET_STATE(lambda self, stage, **kwargs: stage.pk),
        conditions=[check for check in CHECKS],
    )
    def _enter(self, stage: Stage, *, now: Any) -> None:
        """django-fsm's transition: every move ends here, its conditions were just asked one by one."""
        self.stage_entered_at = self.last_activity_at = now
        self.closed_at = None if stage.is_open else now
        self.version += 1

    @property
    def customer_name(self) -> str:
        """Who the item is about: the company, else the contact, else nobody."""
        return self.company.name if self.company else self.contact.name if self.contact else ""

    @property
    def is_activity_late(self) -> bool:
        return self.next_activity_at is not None and self.next_activity_at < clock.now()

    def machine(self) -> Machine:
        """The pipeline's machine as of the pipeline's row that this item holds: no query where that was read with it."""
        return machine_of(self.pipeline_id, version=self.pipeline.machine_version)

    def require(self, user: User, action: str) -> None:
        """Raises Forbidden where the user may not do it with this item (crm/pipelines/rights.py)."""
        checked_by(user, machine_of(self.pipeline_id), action, self)

    # ------------------------------------------------------------------ creating

    @classmethod
    def create(
        cls,
        pipeline: Pipeline,
        title: str,
        *,
        stage: Stage | None = None,
        by: User | None = None,
        cause: Cause = Cause(),
        shown_as: User | None = None,
        key: str | None = None,
        quiet: bool = False,
        **fields: Any,
    ) -> Item:
        """A new item in its first (or chosen) stage; the rules of that stage start (E04).

        Args:
            by: whose rights count; None for the system.
            shown_as: who the timeline names, if not `by`.
            quiet: without rules, and nobody hears of it (an import).
            fields: columns of the item; `custom` is a dict of JSON values.
        Raises Refused (with a sentence) where `by` may not create there.
        """
        with transaction.atomic():
            machine = machine_of(pipeline.pk, share=True)
            item = cls.draft(machine, title, stage=stage, by=by, cause=cause, **fields)
            item.save()
            move = Move(machine=machine, target=item.stage, by=by, cause=cause, now=item.stage_entered_at, key=key)
            move.shown_as, move.quiet, move.start_rules = shown_as, quiet, not quiet
            item._open_visit(move, left=None, source=None)
        return item

    @classmethod
    def draft(
        cls,
        machine: Machine,
        title: str,
        *,
        stage: Stage | None = None,
        by: User | None = None,
        cause: Cause = Cause(),
        **fields: Any,
    ) -> Item:
        """An item that could be created, not yet written; the arguments and refusals are those of `create`."""
        target = machine.stages.get(stage.pk) if stage else machine.first_open()
        if target is None:
            raise Refused(said("stage.not_here", "This stage is not part of the pipeline any more."))
        is_unsaid = not (fields.get("lost_reason") or fields.get("lost_note"))
        if target.kind == StageKind.LOST and is_unsaid and cause.kind in ("person", "api"):
            words = said(
                "stage.starts_lost", "A card starts in “%s” with the reason only: make it elsewhere and move it."
            )
            raise Refused(words % target.name)
        now = clock.now()
        fields.setdefault("currency", machine.pipeline.currency)
        fields.setdefault("owner", by if cause.kind == "person" else None)
        checked_by(by, machine, "add", cls(owner=fields["owner"]), target)
        above = fields.get("parent")
        if (
            above is not None
            and above.hides_customer
            and above.contact_id == getattr(fields.get("contact"), "pk", None)
        ):
            fields["hides_customer"] = True  # an invoice shows no more than the card that it was made of
        if not fields.get("hides_customer"):
            customer_rights.check_links(by, fields)
        item = cls(
            item_type_id=machine.pipeline.item_type_id,
            pipeline=machine.pipeline,
            stage=target,
            title=title[:200],
            stage_entered_at=now,
            last_activity_at=now,
            created_at=fields.pop("created_at", now),
            closed_at=None if target.is_open else now,
            rank=-now.timestamp(),
            **fields,
        )
        item.base_amount = base_amount(item.amount, item.currency)
        return item

    @classmethod
    def create_many(cls, pipeline: Pipeline, drafts: list[Item], *, by: User | None, cause: Cause) -> None:
        """Write many drafts in a few statements, each as `create` with `quiet` writes one; no rule starts.

        Args:
            drafts: made by `draft`; their contacts and companies are saved. They have ids afterwards.
        Raises Refused where a stage was taken out meanwhile.
        """
        with transaction.atomic():
            machine = machine_of(pipeline.pk, share=True)
            if any(item.stage_id not in machine.stages for item in drafts):
                raise Refused(said("stage.not_here", "This stage is not part of the pipeline any more."))
            cls.objects.bulk_create(drafts)
            visits = [
                StageVisit(
                    item=item,
                    stage=machine.stages[item.stage_id],
                    entered_at=item.stage_entered_at,
                    actor=by,
                    cause_kind=cause.kind,
                    cause_ref=cause.ref,
                    depth=cause.depth,
                )
                for item in drafts
            ]
            StageVisit.objects.bulk_create(visits)
            opened = StageVisit.objects.filter(item=OuterRef("pk"), left_at__isnull=True, undone=False)
            cls._base_manager.filter(pk__in=[item.pk for item in drafts]).update(visit=Subquery(opened.values("pk")))
            for visit in visits:
                visit.item.visit = visit
            now = clock.now()
            moves = {
                pk: Move(machine, stage, by, cause, now, start_rules=False) for pk, stage in machine.stages.items()
            }
            payloads = [moves[item.stage_id].payload(None) for item in drafts]
            record_many("item.created", zip(visits, payloads, strict=True), actor=by, cause=cause)
            boards.touch(machine.pipeline.pk, *{item.stage_id for item in drafts})

    # ------------------------------------------------------------------ other changes

    def change(
        self,
        fields: dict[str, Any],
        *,
        by: User | None = None,
        cause: Cause = Cause(),
        shown_as: User | None = None,
        version: int | None = None,
        quiet: bool = False,
    ) -> dict[str, list[Any]]:
        """Change fields under the item lock; returns {field: [old, new]} of what really changed.

        Args:
            fields: cleaned values by column, or "custom.key" with a JSON value.
        Raises Stale, Gone, Forbidden; AttributeError for `stage` and `pipeline`, which only the gate moves.
        """
        with transaction.atomic():
            item = databases.lock(Item.objects.filter(pk=self.pk)).first()
            move = Move(machine_of(self.pipeline_id), self.stage, by, cause, clock.now())
            move.check_there(item)
            assert item is not None
            checked_by(by, move.machine, "edit", item)
            customer_rights.check_links(
                by, {name: value for name, value in fields.items() if value != item.value_of(name)}
            )
            if version is not None and version != item.version:
                raise Stale(item)
            changes = item.apply(fields)
            if not changes:
                return {}
            item.hides_customer = item.hides_customer and customer_rights.stays_hidden(by, item, changes)
            if isinstance(item.amount, Unreadable):
                raise Refused(
                    said("amount.unreadable", "The amount of “%s” cannot be read. Please enter it again first.") % item
                )
            if isinstance(item.base_amount, Unreadable):
                item.base_amount = base_amount(item.amount, item.currency)
            item.version += 1
            item.last_activity_at = move.now
            item.save()
            if "currency" in changes:
                profit.recount(item)
            item._tell_change(changes, by=shown_as or by, cause=cause, quiet=quiet)
            boards.touch(item.pipeline_id, item.stage_id)
        for name in ("version", "last_activity_at", "custom", *(n for n in fields if not n.startswith("custom."))):
            setattr(self, name, getattr(item, name))
        return {name: [plain(old), plain(new)] for name, (old, new) in changes.items()}

    def _tell_change(self, changes: dict[str, tuple[Any, Any]], *, by: User | None, cause: Cause, quiet: bool) -> None:
        """Events of changed fields, and what a new owner brings along: a fresh contact, tasks that nobody has."""
        told = {name: [plain(old), plain(new)] for name, (old, new) in changes.items()}
        record("field.changed", item=self, actor=by, cause=cause, payload={"changes": told}, quiet=quiet)
        if "owner" not in changes:
            return
        old, new = changes["owner"]
        payload = {"from": plain(old), "to": plain(new), "to_name": str(new or "")}
        record("owner.changed", item=self, actor=by, cause=cause, payload=payload, quiet=quiet)
        if new is not None and self.contact is not None:
            self.contact.falls_to(new, self)
        if new is not None and old is None:
            tasks.fall_to(new, self)

    def apply(self, fields: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Set values on this instance; returns what differs as {name: (old, new)}."""
        changes = {}
        for name, value in fields.items():
            if name in ("stage", "pipeline", "version"):
                raise AttributeError(f"{name} is moved by the gate only")
            old = self.value_of(name)
            if old == value or (old in (None, "") and value in (None, "")):
                continue
            if name.startswith("custom."):
                self.custom = {**self.custom, name.removeprefix("custom."): value}
                self.words = indexed(self.says())  # type: ignore[assignment]  # the column takes texts
            else:
                setattr(self, name, value)
            changes[name] = (old, value)
        if {"amount", "currency"} & changes.keys():
            self.base_amount = base_amount(self.amount, self.currency)
        return changes

    def value_of(self, name: str) -> Any:
        """A field by the name that stages, rules and forms use: a column, or "custom.key"."""
        if name.startswith("custom."):
            return self.custom.get(name.removeprefix("custom."))
        return getattr(self, name, None)
