"""One stay of an item in a stage."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.events.models import Cause
from crm.ground import clock
from crm.pipelines.models import Stage


class StageVisit(models.Model):
    item = models.ForeignKey("crm.Item", models.CASCADE, related_name="visits", verbose_name=_("item"))
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="visits", verbose_name=_("stage"))
    entered_at = models.DateTimeField(_("entered"), default=clock.now)
    left_at = models.DateTimeField(_("left"), null=True, blank=True)
    actor = models.ForeignKey(
        "crm.User", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    cause_kind = models.CharField(_("kind of cause"), max_length=10, default="person")
    cause_ref = models.CharField(_("caused by row"), max_length=40, blank=True)
    depth = models.PositiveSmallIntegerField(_("depth of causes"), default=0)
    # The caller's idempotency key: a double drop or a retried request is one move.
    key = models.CharField(_("key"), max_length=80, null=True, blank=True, unique=True)
    # What the move that opened this visit ended, by kind, with old status and due time; undo revives it.
    cancelled = models.JSONField(_("what the move ended"), default=dict, blank=True)
    undone = models.BooleanField(_("undone"), default=False)
    # Until when its mover may take it back (E54); its messages wait as long. Empty: there is no window.
    undo_until = models.DateTimeField(_("may be undone until"), null=True, blank=True)
    # The visit that the move ended and the item's columns as they were: what undo puts back.
    before = models.JSONField(_("before the move"), default=dict, blank=True)

    class Meta:
        verbose_name = _("stage visit")
        verbose_name_plural = _("stage visits")
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(left_at__isnull=True, undone=False), name="one_open_visit_an_item"
            )
        ]
        indexes = [models.Index(fields=["item", "entered_at"], name="visit_chain")]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.stage_id}"

    def cause(self) -> Cause:
        return Cause(self.cause_kind, self.cause_ref, self.depth)

    def remember(self, cancelled: dict[str, Any]) -> None:
        """What the move that opened it ended, by kind; undo revives it."""
        if any(cancelled.values()):
            self.cancelled = cancelled
            self.save(update_fields=["cancelled"])
