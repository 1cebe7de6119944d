"""An import: its table as it was uploaded, what each column means, what became of each row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.ground.sentences import SentenceField
from crm.items.models.items import Item
from crm.people.models import Company, Contact, User
from crm.pipelines.models import Pipeline, Stage

REVERT_DAYS = 7


class ImportQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """One's own; administrators see all."""
        return self.all() if user.is_superuser else self.filter(user=user)


class Import(models.Model):
    class Target(models.TextChoices):
        CONTACTS = "contacts", _("contacts")
        COMPANIES = "companies", _("companies")
        ITEMS = "items", _("items")

    class Status(models.TextChoices):
        NEW = "new", _("columns are being chosen")
        CHECKING = "checking", _("is being checked")
        CHECKED = "checked", _("checked, nothing imported yet")
        RUNNING = "running", _("is being imported")
        DONE = "done", _("imported")
        REVERTING = "reverting", _("is being taken back")
        REVERTED = "reverted", _("taken back")
        FAILED = "failed", _("stopped by an error")

    WORKING = (Status.CHECKING, Status.RUNNING, Status.REVERTING)

    class Duplicates(models.TextChoices):
        SKIP = "skip", _("leave what is known as it is")
        UPDATE = "update", _("write the file's values into what is known")
        CREATE = "create", _("make a new record all the same")

    user = models.ForeignKey(User, models.CASCADE, related_name="imports", verbose_name=_("by"))
    target = models.CharField(_("what"), max_length=10, choices=Target.choices, default=Target.CONTACTS)
    pipeline = models.ForeignKey(Pipeline, models.CASCADE, null=True, blank=True, verbose_name=_("pipeline"))
    stage = models.ForeignKey(Stage, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("stage"))
    name = models.CharField(_("file"), max_length=200)
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    headers = models.JSONField(default=list)
    # By the column's place in the file, as text: the key of a field; see crm/importing/columns.py.
    mapping = models.JSONField(default=dict)
    # Of day and month, in all columns of the file: "dmy" or "mdy"; empty where nothing in it hangs on that.
    date_order = models.CharField(max_length=3, blank=True)
    duplicates = models.CharField(
        _("what is known already"), max_length=10, choices=Duplicates.choices, default=Duplicates.SKIP
    )
    start_rules = models.BooleanField(_("start the rules of the stage"), default=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.NEW)
    # What it was doing, for going on after an error.
    phase = models.CharField(max_length=10, blank=True)
    total = models.PositiveIntegerField(_("rows"), default=0)
    position = models.PositiveIntegerField(default=0)
    error = SentenceField(_("error"), blank=True)
    created_at = models.DateTimeField(_("uploaded at"), default=clock.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return self.name

    @property
    def is_working(self) -> bool:
        return self.status in self.WORKING

    @property
    def percent(self) -> int:
        return 100 * self.position // self.total if self.total else 100

    @property
    def may_be_reverted(self) -> bool:
        """For some days: later too much has been built on what came in."""
        halfway = self.status == self.Status.FAILED and self.phase in (self.Status.RUNNING, self.Status.REVERTING)
        if not (self.status == self.Status.DONE or halfway) or self.finished_at is None:
            return False
        return clock.now() - self.finished_at < timedelta(days=REVERT_DAYS)

    def counts(self) -> dict[str, int]:
        found = self.rows.values_list("outcome").annotate(n=models.Count("pk")).order_by()
        counts = dict.fromkeys(ImportRow.Outcome.values, 0)
        counts.update(found)
        return counts


class ImportRow(models.Model):
    class Outcome(models.TextChoices):
        NONE = "", _("not looked at")
        CREATED = "created", _("new ones")
        UPDATED = "updated", _("changed")
        SKIPPED = "skipped", _("known, left alone")
        FAILED = "failed", _("wrong")
        REVERTED = "reverted", _("taken back")

    parent = models.ForeignKey(Import, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(_("line"))
    cells = models.JSONField(default=list)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.NONE, blank=True)
    reason = SentenceField(blank=True)
    item = models.ForeignKey(Item, models.SET_NULL, null=True, blank=True, related_name="+")
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, blank=True, related_name="+")
    company = models.ForeignKey(Company, models.SET_NULL, null=True, blank=True, related_name="+")
    # What the row made besides its own record, and the values that it replaced: what taking back needs.
    made = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["parent", "number"], name="one_import_row_a_line")]
        indexes = [models.Index(fields=["parent", "outcome", "number"], name="import_outcomes")]

    def __str__(self) -> str:
        return f"{self.parent_id}:{self.number}"
