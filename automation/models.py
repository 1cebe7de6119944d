"""Rules, triggers, runs, firings. Rows; what they do stands in engine/."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import Scope, action_of, trigger_types
from automation.timing import Timing
from automation.variables import Variable
from crm.ground import clock
from crm.ground.sentences import SentenceField
from crm.models import Event, Item, Job, Pipeline, Stage, StageVisit, User
from crm.work import lanes
from crm.work.leased import Leased, Status

MOST_RULES = 300  # on one stage, or in one set
MOST_NESTED = 5  # sets that call sets


def new_uid() -> str:
    return f"x{secrets.token_hex(5)}"


class Placed(models.Model):
    """What rules and triggers share: a place on a stage, typed settings, a condition, a publisher."""

    # Its id in the pipeline's document, for good: it stays over publications, texts and restores.
    uid = models.SlugField(max_length=60, default=new_uid, editable=False)
    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="%(class)ss", verbose_name=_("pipeline"))
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="%(class)ss", verbose_name=_("stage"))
    name = models.CharField(_("name"), max_length=120)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    settings = models.JSONField(default=dict, blank=True)
    condition = models.JSONField(default=dict, blank=True)
    # What the upgrade to typed conditions would have changed (automation/rereading.py): it waits until confirmed.
    unconfirmed = models.JSONField(default=list, blank=True, editable=False)
    is_enabled = models.BooleanField(_("on"), default=True)
    note = models.TextField(_("note"), blank=True)
    publisher = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", verbose_name=_("published by"), editable=False
    )
    version = models.PositiveIntegerField(default=0, editable=False)
    # What its part of the document has that this version does not know of.
    extra = models.JSONField(default=dict, blank=True, editable=False)
    # Used ones are retired, never deleted: their history still names them.
    retired = models.BooleanField(_("retired"), default=False, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def where(self) -> Any:
        """What it stands on: a stage, or (of rules) a set."""
        return self.stage

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pipeline_id = self.where.pipeline_id
        self.version += 1
        super().save(*args, **kwargs)
        self.pipeline.touch_machine()


class RuleSet(models.Model):
    """Rules that rules of several stages call: kept once, run in the stay of whoever calls them."""

    uid = models.SlugField(max_length=60, default=new_uid, editable=False)
    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="rule_sets", verbose_name=_("pipeline"))
    name = models.CharField(_("name"), max_length=80)
    note = models.TextField(_("note"), blank=True)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    retired = models.BooleanField(_("retired"), default=False, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("rule set")
        verbose_name_plural = _("rule sets")
        constraints = [
            models.UniqueConstraint(
                fields=["pipeline", "name"], condition=models.Q(retired=False), name="rule_set_once_a_pipeline"
            ),
            models.UniqueConstraint(fields=["pipeline", "uid"], name="rule_set_uid_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def choice(self) -> str:
        """As the administration chooses it in place of a stage."""
        return f"set:{self.pk}"

    def calls(self) -> set[int]:
        """Ids of the sets that its rules call, those called by these included."""
        found: set[int] = set()
        asked = {self.pk}
        while asked:
            rules = Rule.objects.filter(rule_set__in=asked, action="run_rule_set", retired=False)
            called = {int(one["rule_set"]) for one in rules.values_list("settings", flat=True) if one.get("rule_set")}
            asked = called - found
            found |= called
        return found


class Rule(Placed):
    """It stands on a stage or in a set, never in both."""

    stage = models.ForeignKey(  # type: ignore[assignment]  # a trigger's never is empty
        Stage, models.PROTECT, null=True, blank=True, related_name="rules", verbose_name=_("stage")
    )
    rule_set = models.ForeignKey(
        RuleSet, models.RESTRICT, null=True, blank=True, related_name="rules", verbose_name=_("rule set")
    )

    class After(models.TextChoices):
        NO = "", _("no, at once and independently")
        ENDED = "ended", _("when the previous rule has ended, unless it failed")
        DONE = "done", _("only if the previous rule was done")
        ANY = "any", _("whatever came of the previous rule")

    class Repeat(models.TextChoices):
        EVERY = "every", _("at every visit")
        ONCE = "once", _("once per item")
        DAYS = "days", _("at most once in N days")

    class OnLeave(models.TextChoices):
        CANCEL = "cancel", _("cancel")
        KEEP = "keep", _("run anyway when due")

    key = models.SlugField(_("key"), max_length=40, help_text=_("Merge texts read its results as rules.key.name."))
    action = models.CharField(_("action"), max_length=60)
    timing = models.JSONField(default=dict, blank=True)
    after_previous = models.CharField(
        _("after the previous one"), max_length=5, choices=After.choices, blank=True, default=After.NO
    )
    repeat = models.CharField(_("repeat"), max_length=5, choices=Repeat.choices, default=Repeat.EVERY)
    repeat_days = models.PositiveSmallIntegerField(_("days"), default=30)
    on_leave = models.CharField(
        _("when the stage is left"), max_length=6, choices=OnLeave.choices, default=OnLeave.CANCEL
    )
    hourly_limit = models.PositiveIntegerField(_("messages an hour, at most"), default=1000)
    retry_hours = models.PositiveSmallIntegerField(_("try again for, hours"), default=24)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_because = SentenceField(blank=True, editable=False)
    # When the watchdog last killed a worker in a run of it; the second time within a day holds the rule.
    hung_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["stage__order", "order", "pk"]
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        constraints = [
            models.UniqueConstraint(fields=["pipeline", "uid"], name="rule_uid_once"),
            # A retired one keeps its key beside the one that has it now.
            models.UniqueConstraint(
                fields=["stage", "key"], condition=models.Q(retired=False), name="rule_key_once_a_stage"
            ),
            models.UniqueConstraint(
                fields=["rule_set", "key"], condition=models.Q(retired=False), name="rule_key_once_a_set"
            ),
            models.CheckConstraint(
                condition=models.Q(stage__isnull=True, rule_set__isnull=False)
                | models.Q(stage__isnull=False, rule_set__isnull=True),
                name="rule_on_a_stage_or_in_a_set",
            ),
        ]

    @property
    def where(self) -> Any:
        return self.rule_set if self.rule_set_id is not None else self.stage

    def beside(self) -> models.QuerySet[Rule]:
        """The rules of the same place, itself included."""
        return Rule.objects.filter(stage=self.stage_id, rule_set=self.rule_set_id)

    def has_run(self, item: Any) -> bool:
        """E07: *repeat* counts runs that were done, undone visits included."""
        if self.repeat == Rule.Repeat.EVERY:
            return False
        done = Run.objects.filter(rule=self, item=item, status=Status.DONE)
        if self.repeat == Rule.Repeat.DAYS:
            done = done.filter(finished_at__gt=clock.now() - timedelta(days=self.repeat_days))
        return done.exists()

    def when(self) -> Timing:
        return Timing.of(self.timing)

    def kept(self) -> dict[str, Any]:
        """What a run keeps of it when it starts, or when it shall finish with what stands here now."""
        return {name: getattr(self, name) for name in ("action", "settings", "condition", "timing", "version")}

    def clean(self) -> None:
        super().clean()
        self.check_room()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.check_room()
        super().save(*args, **kwargs)

    def check_room(self) -> None:
        """Each rule of a stage is planned while a card is dragged there: ten thousand took ten seconds.

        Raises ValidationError where the stage has as many as it may.
        """
        if (self.stage_id is None and self.rule_set_id is None) or self.retired:
            return
        others = self.beside().filter(retired=False).exclude(pk=self.pk)
        if others.count() >= MOST_RULES:
            raise ValidationError(_now("A stage may have %d rules at most.") % MOST_RULES)


class Trigger(Placed):
    class Concerns(models.TextChoices):
        NEWEST = "newest", _("the customer's newest open item")
        ALL = "all", _("all open items of the customer")

    type = models.CharField(_("type"), max_length=60)
    allow_moving_back = models.BooleanField(_("allow moving back"), default=False)
    change_as = models.ForeignKey(
        User,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("change stage as"),
        help_text=_("Who the timeline names. Empty: the item's owner."),
    )
    concerns = models.CharField(_("concerns"), max_length=6, choices=Concerns.choices, default=Concerns.NEWEST)
    override = models.BooleanField(
        _("override"), default=False, help_text=_("Move although fields are missing or the move is forbidden.")
    )

    class Meta:
        ordering = ["stage__order", "order", "pk"]
        verbose_name = _("trigger")
        verbose_name_plural = _("triggers")
        constraints = [models.UniqueConstraint(fields=["pipeline", "uid"], name="trigger_uid_once")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """One of time is armed for what is there already, whoever saves it."""
        super().save(*args, **kwargs)
        caches["near"].delete(self.type)  # whether there is one of its type (engine/linked.py)
        found = trigger_types.get(self.type)
        if found is not None and found.is_timed():
            Job.plan("arm_timers", f"arm:{self.pk}:{self.version}", lane=lanes.BULK, payload={"trigger": self.pk})


class Run(Leased):
    """One execution of a rule for one visit."""

    rule = models.ForeignKey(Rule, models.PROTECT, related_name="runs", verbose_name=_("rule"))
    # The rule's version when it was planned; 0: planned before versions were kept.
    rule_version = models.PositiveIntegerField(default=0, editable=False)
    visit = models.ForeignKey(StageVisit, models.CASCADE, related_name="runs", verbose_name=_("visit"))
    item = models.ForeignKey(Item, models.CASCADE, related_name="runs", verbose_name=_("item"))
    # Of a rule of a set: the run that called it.
    caller = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="called", editable=False)
    round = models.PositiveSmallIntegerField(_("round"), default=0)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    # The place of the rule that this one follows; None: it runs independently.
    after_order = models.PositiveSmallIntegerField(_("follows place"), null=True, blank=True)
    has_next = models.BooleanField(_("has a next one"), default=False)
    # Why a planned run has no due time: "previous", or "date:due_date".
    waiting_for = models.CharField(_("has no time because of"), max_length=60, blank=True)
    # What a waiting run waits on: "job:12", "task:5", "event:…", "pause".
    wait_on = models.CharField(_("waits for"), max_length=60, blank=True)
    keeps = models.BooleanField(_("stays when the stage is left"), default=False)
    alone = models.BooleanField(_("travels alone"), default=False)
    depth = models.PositiveSmallIntegerField(_("depth of causes"), default=0)
    # The settings it used, taken when it started, or fixed earlier ("finish with the old settings").
    taken = models.JSONField(_("settings it used"), null=True, blank=True)
    pinned = models.BooleanField(_("fixed settings"), default=False)
    # A person said "run now" or "run again": its own time does not count any more.
    forced = models.BooleanField(_("asked for by a person"), default=False)
    outputs = models.JSONField(_("values it produced"), default=dict, blank=True)
    condition_read = SentenceField(_("what the condition read"), blank=True)
    changes = models.JSONField(_("changes of the entry"), default=dict, blank=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [models.UniqueConstraint(fields=["visit", "rule", "round"], name="one_run_a_round")]
        indexes = [
            *Leased.leased_indexes("run"),
            models.Index(fields=["item", "visit"], name="run_of_item"),
            models.Index(fields=["wait_on"], name="run_waits", condition=~models.Q(wait_on="")),
            models.Index(fields=["rule", "status"], name="run_of_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} #{self.pk}"


class TriggerFiring(models.Model):
    class Result(models.TextChoices):
        MOVED = "moved", _("moved")
        THERE = "there", _("already there")
        REFUSED = "refused", _("refused")
        ANOTHER = "another", _("another trigger won")
        FAILED = "failed", _("failed")

    event = models.ForeignKey(Event, models.CASCADE, related_name="firings", verbose_name=_("event"))
    trigger = models.ForeignKey(Trigger, models.PROTECT, related_name="firings", verbose_name=_("trigger"))
    item = models.ForeignKey(Item, models.CASCADE, related_name="firings", verbose_name=_("item"))
    result = models.CharField(_("result"), max_length=8, choices=Result.choices)
    reason = SentenceField(_("reason"), blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)

    class Meta:
        verbose_name = _("trigger firing")
        verbose_name_plural = _("trigger firings")
        constraints = [models.UniqueConstraint(fields=["event", "trigger", "item"], name="one_firing_an_event")]
        indexes = [models.Index(fields=["item", "-created_at"], name="firing_of_item")]

    def __str__(self) -> str:
        return f"{self.trigger}: {self.get_result_display()}"


class OwnerTurn(models.Model):
    """Whose turn it is in a rule's round robin; locked while a turn is taken."""

    rule = models.OneToOneField(Rule, models.CASCADE, related_name="turn")
    last_user = models.ForeignKey(User, models.SET_NULL, null=True)

    def __str__(self) -> str:
        return f"{self.rule}: {self.last_user}"


class GeneratedCode(models.Model):
    """Each random code that may never be given again."""

    code = models.CharField(max_length=60, unique=True)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.code


class LateItem(models.Model):
    """What `control_time_in_stage` has told somebody of: it stands on their day until somebody cares for the card."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="late_items")
    since = models.DateTimeField()
    # Only moving it on ends it; else whatever people do about it does.
    until_moved = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "user"], name="late_once_a_person")]

    def __str__(self) -> str:
        return f"{self.item}: {self.user}"


def scope_of(place: Stage | RuleSet, before: Rule | None = None, *, running: bool = False) -> Scope:
    """Where a rule or trigger stands: which earlier rules' values it may read (E13)."""

    def outputs() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        here = {"stage": place} if isinstance(place, Stage) else {"rule_set": place}
        for rule in Rule.objects.filter(retired=False, **here).order_by("order", "pk"):
            if before is None or not before.pk or (rule.order, rule.pk) < (before.order, before.pk):
                found[rule.key] = outputs_of(rule)
        return found

    def variables() -> set[str]:
        return set(Variable.objects.of(place.pipeline_id).values_list("key", flat=True))

    return Scope(place=place, outputs=outputs, variables=variables, running=running)


def outputs_of(rule: Rule, depth: int = 0) -> set[str]:
    """Names of what a rule gives; of one that calls a set, those of the set's rules under their keys."""
    names = set(action_of(rule.action).outputs)
    called = rule.settings.get("rule_set") if rule.action == "run_rule_set" and depth < MOST_NESTED else None
    for inner in Rule.objects.filter(rule_set=called, retired=False) if called else ():
        names |= {f"{inner.key}.{name}" for name in outputs_of(inner, depth + 1)}
    return names


def type_of(trigger: Trigger) -> Any:
    """The trigger's type, or None where it is not installed."""
    found = trigger_types.get(trigger.type)
    return found() if found is not None else None
