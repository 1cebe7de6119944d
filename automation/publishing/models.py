"""Published versions of a pipeline's automation, the draft of the next, and what a publication changed for planned runs."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from automation.models import Rule
from crm.ground import clock
from crm.models import Pipeline, User


class Publication(models.Model):
    """One version: numbered, never changed again. Rules and triggers are what the newest one materialised."""

    class Origin(models.TextChoices):
        FIRST = "first", _("as it stood")
        DESIGNER = "designer", _("designer")
        ADMIN = "admin", _("administration")
        API = "api", _("API")
        TEXT = "text", _("text")
        RESTORED = "restored", _("restored")
        STAGE_REMOVED = "stage", _("a stage was removed")
        TAKEN_OVER = "taken", _("taken over")
        DEMO = "demo", _("demo")

    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="publications", verbose_name=_("pipeline"))
    number = models.PositiveIntegerField(_("version"))
    name = models.CharField(_("name"), max_length=80, blank=True)
    note = models.TextField(_("note"), blank=True)
    origin = models.CharField(_("by way of"), max_length=8, choices=Origin.choices)
    # With ids of rows, as automation/document.py writes it.
    document = models.JSONField()
    # The switches as they stood then, {id: on}: live state, which restoring leaves alone unless asked.
    switches = models.JSONField(default=dict)
    published_by = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", verbose_name=_("published by"), editable=False
    )
    published_at = models.DateTimeField(_("published"), default=clock.now)

    class Meta:
        ordering = ["-number"]
        verbose_name = _("version of automation")
        verbose_name_plural = _("versions of automation")
        constraints = [models.UniqueConstraint(fields=["pipeline", "number"], name="publication_number_once")]

    def __str__(self) -> str:
        return self.name or str(_("version %d") % self.number)


class Draft(models.Model):
    """What shall go live next; one a pipeline. Without one the pipeline's draft is what is live."""

    pipeline = models.OneToOneField(Pipeline, models.CASCADE, related_name="automation_draft")
    document = models.JSONField()
    # The version that it was made from: what went live since is merged in by ids.
    base = models.ForeignKey(Publication, models.CASCADE, related_name="+")
    # Counts up at each edit: who edits an older one is told.
    revision = models.PositiveIntegerField(default=1)
    # Whose the changes are: {id of rule, trigger, set or variable: id of the user}.
    authors = models.JSONField(default=dict)
    changed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.pipeline}: {self.revision}"


class DraftStep(models.Model):
    """One edit of a draft, small enough to be taken back by whoever made it; of each draft the last hundred."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="steps")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # What it changed, as plain data (publishing/steps.py).
    changes = models.JSONField()
    undone = models.BooleanField(default=False)
    made_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.draft}: {self.pk}"


class RuleRevision(models.Model):
    """That a publication changed a rule, and what its planned runs do. Asked by a run that was planned under an older version."""

    class Decision(models.TextChoices):
        NEW = "new", _("take the new settings")
        OLD = "old", _("finish with the old settings")
        CANCEL = "cancel", _("are cancelled")

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="revisions")
    publication = models.ForeignKey(Publication, models.CASCADE, related_name="revisions")
    # The rule's version from then on.
    version = models.PositiveIntegerField()
    # What a run keeps of its rule (`Run.taken`), as it was before.
    before = models.JSONField()
    decision = models.CharField(max_length=6, choices=Decision.choices, default=Decision.NEW)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "version"], name="revision_once_a_version")]

    def __str__(self) -> str:
        return f"{self.rule} {self.version}: {self.get_decision_display()}"
