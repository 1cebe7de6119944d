"""All work that is no rule: match an event, process a submission, send a message, a timer."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.work.leased import Leased, Status
from crm.work.queue import Kind, kind_of, ring


class Job(Leased):
    # What a customer sent must not be given up for bad luck: rows of a batch that were not reached count a crash too,
    # and whoever kills workers all the time (the crash test does) hit one innocent job three times.
    most_crashes = 5

    kind = models.CharField(_("kind"), max_length=30)
    # Unique for ever: planning the same work twice is one job.
    key = models.CharField(_("key"), max_length=120, unique=True)
    payload = models.JSONField(_("data"), default=dict, blank=True, help_text=_("Ids only."))
    item = models.ForeignKey(
        "crm.Item", models.CASCADE, null=True, blank=True, related_name="jobs", verbose_name=_("item")
    )
    visit = models.ForeignKey(
        "crm.StageVisit", models.CASCADE, null=True, blank=True, related_name="jobs", verbose_name=_("visit")
    )
    # Work that talks to the world travels alone, through `sending`.
    outside = models.BooleanField(_("outside"), default=False)
    # A rule set to *keep*: its work goes on when the item leaves the stage.
    survives_leaving = models.BooleanField(_("stays when the stage is left"), default=False)
    # Which provider it talks to; one provider never takes all outside places.
    channel_key = models.CharField(_("channel"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            *Leased.leased_indexes("job"),
            models.Index(fields=["visit", "status"], name="job_of_visit"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @classmethod
    def plan(cls, kind: str, key: str, *, due_at: Any = None, **fields: Any) -> Job:
        """Write a job once for its key, and ring. Call it inside the transaction of what it belongs to."""
        declared = kind_of(kind)
        outside = declared.outside if declared else False
        due = due_at or clock.now()
        visit = fields.get("visit")
        if outside and visit is not None and visit.undo_until:
            # E54: what leaves the house waits until the move that caused it cannot be taken back any more.
            due = max(due, visit.undo_until)
        fields |= {"kind": kind, "due_at": due, "outside": outside}
        try:
            # Most keys are new: the insert first, a look only after a collision.
            with transaction.atomic():
                job = cls.objects.create(key=key, **fields)
        except IntegrityError:
            return cls.objects.get(key=key)
        ring()
        return job

    @classmethod
    def cancel(cls, ids: list[int], reason: str) -> None:
        """End jobs that have not begun, which the caller holds locked; their kinds end what they were to do."""
        cls.objects.filter(pk__in=ids).update(
            status=Status.CANCELLED, error=reason, finished_at=clock.now(), owner="", lease_until=None
        )
        for kind, some in cls._by_kind(ids):
            if kind.cancelled is not None:
                kind.cancelled(some, reason)

    @classmethod
    def revive(cls, ended: list[list[Any]]) -> None:
        """Jobs stand again as they were: [id, status, due as ISO text or None] each, as the visit remembers them."""
        ids = []
        for pk, status, due in ended:
            ids += [pk] * cls.objects.filter(pk=pk, status=Status.CANCELLED).update(
                # A job that was claimed when the card left had not begun: it is planned again.
                status=Status.PLANNED if status == Status.RUNNING else status,
                error="",
                finished_at=None,
                due_at=parse_datetime(due) if due else None,
            )
        for kind, some in cls._by_kind(ids):
            if kind.revived is not None:
                kind.revived(some)

    @classmethod
    def _by_kind(cls, ids: list[int]) -> list[tuple[Kind, list[int]]]:
        found: dict[str, list[int]] = {}
        for pk, name in cls.objects.filter(pk__in=ids).values_list("pk", "kind") if ids else ():
            found.setdefault(name, []).append(pk)
        return [(kind, found[name]) for name in found if (kind := kind_of(name)) is not None]
