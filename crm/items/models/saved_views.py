"""A filter that a person keeps under a name, for themselves or for everybody."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.people.models import User
from crm.pipelines.models import Pipeline


class SavedViewQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        return self.filter(Q(owner=user) | Q(shared=True))


class SavedView(models.Model):
    owner = models.ForeignKey(User, models.CASCADE, related_name="saved_views", verbose_name=_("owner"))
    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="saved_views", verbose_name=_("pipeline"))
    name = models.CharField(_("name"), max_length=60)
    # The filter as it stands in an address; read by crm.items.filters, so an old name is refused there, in words.
    query = models.CharField(max_length=1000, blank=True)
    layout = models.CharField(max_length=10, default="board", choices=[("board", _("board")), ("list", _("list"))])
    shared = models.BooleanField(_("for everybody"), default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [models.UniqueConstraint(fields=["owner", "pipeline", "name"], name="one_view_a_name")]

    def __str__(self) -> str:
        return self.name
