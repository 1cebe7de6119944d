"""What happened. A row, immutable but for erasure; the timeline shows these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.events import kinds as event_kinds
from crm.ground import clock
from crm.ground.columns.words import WordsField
from crm.ground.sentences import from_payload


@dataclass(frozen=True)
class Cause:
    """Why something happens.

    Args:
        kind: person, form, mail, api, import, rule, trigger, system.
        ref: "run:12", "trigger:3", "submission:7" … or empty.
        depth: 0 for what a person or customer does; effects of rules and triggers are one deeper than their cause.
        label: what people read ("Notify supervisor"), or empty.
    """

    kind: str = "person"
    ref: str = ""
    depth: int = 0
    label: str = ""

    @property
    def automatic(self) -> bool:
        return self.kind in ("rule", "trigger", "system")


class EventQuerySet(models.QuerySet["Event"]):
    def timeline(self) -> EventQuerySet:
        """What people read, newest first. A new owner is told by field.changed already; triggers hear both."""
        return self.exclude(kind__in=event_kinds.unshown()).select_related("actor").order_by("-created_at", "-pk")


class Event(models.Model):
    kind = models.CharField(_("kind"), max_length=40)
    item = models.ForeignKey(
        "crm.Item", models.CASCADE, null=True, blank=True, related_name="events", verbose_name=_("item")
    )
    contact = models.ForeignKey(
        "crm.Contact", models.SET_NULL, null=True, blank=True, related_name="events", verbose_name=_("contact")
    )
    visit = models.ForeignKey(
        "crm.StageVisit", models.SET_NULL, null=True, blank=True, related_name="events", verbose_name=_("visit")
    )
    actor = models.ForeignKey(
        "crm.User", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    cause_kind = models.CharField(_("cause"), max_length=10, default="person")
    cause_ref = models.CharField(_("caused by row"), max_length=40, blank=True)
    cause_label = models.CharField(_("caused by"), max_length=120, blank=True)
    depth = models.PositiveSmallIntegerField(_("depth of causes"), default=0)
    payload = models.JSONField(_("data"), default=dict, blank=True)
    # The provider's own id: the same happening reported twice is one row (E38).
    key = models.CharField(_("key"), max_length=120, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    words = WordsField()
    # Held at the top of the timeline by a person.
    pinned_at = models.DateTimeField(_("pinned"), null=True, blank=True)

    objects = EventQuerySet.as_manager()
    # Nobody is told of it; known only while it happens (crm/events/record.py).
    quiet = False

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(fields=["item", "-created_at", "-id"], name="event_timeline"),
            models.Index(fields=["contact", "-created_at"], name="event_of_contact"),
            models.Index(fields=["kind", "-created_at"], name="event_of_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    def says(self) -> list[Any]:
        """What people wrote, for the search: notes, mails, messages, answers, tasks.

        A rule's comment says the same on every card, and to index each halved the speed of the engine on SQLite.
        """
        if not event_kinds.is_worded(self.kind) or (self.automatic and self.kind.startswith("comment.")):
            return []
        return [self.payload.get(name, "") for name in ("subject", "title", "text", "note", "description", "answers")]

    @property
    def automatic(self) -> bool:
        return Cause(self.cause_kind).automatic

    def cause(self) -> Cause:
        return Cause(self.cause_kind, self.cause_ref, self.depth, self.cause_label)

    def who(self) -> str:
        """E39: automatic changes are "Automation (as Anna)", never plainly Anna."""
        name = self.actor.name if self.actor else ""
        if not self.automatic:
            return name or str(self.payload.get("customer") or "")
        if not name:
            return str(_("Automation"))
        return str(_("Automation (as %(name)s)") % {"name": name})

    def data(self, name: str, default: Any = "") -> Any:
        """A value of the payload; a sentence in the active language."""
        return from_payload(self.payload, name) if f"{name}_said" in self.payload else self.payload.get(name, default)
