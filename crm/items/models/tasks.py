"""Something a person must do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Min
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.events.models import Cause
from crm.events.notice import notify
from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.columns.moments import MomentField
from crm.ground.refused import Forbidden, Refused
from crm.ground.sentences import said
from crm.people.models import User
from crm.pipelines import boards


class TaskQuerySet(models.QuerySet["Task"]):
    def open(self) -> TaskQuerySet:
        return self.filter(status__in=Task.OPEN)


class Task(models.Model):
    class Status(models.TextChoices):
        NEW = "new", _("new")
        IN_PROGRESS = "in_progress", _("in progress")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")

    class Kind(models.TextChoices):
        TASK = "task", _("task")
        CALL = "call", _("call")
        MEETING = "meeting", _("meeting")

    OPEN = (Status.NEW, Status.IN_PROGRESS)
    CHANGEABLE = ("title", "description", "deadline", "minutes", "place", "assignee")

    item = models.ForeignKey(
        "crm.Item", models.CASCADE, null=True, blank=True, related_name="tasks", verbose_name=_("item")
    )
    visit = models.ForeignKey(
        "crm.StageVisit", models.SET_NULL, null=True, blank=True, related_name="tasks", verbose_name=_("visit")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.TASK)
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    checklist = models.JSONField(_("checklist"), default=list, blank=True, help_text='[{"text": "…", "done": false}]')
    assignee = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="tasks", verbose_name=_("assignee")
    )
    creator = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    coworkers = models.ManyToManyField(User, blank=True, related_name="+", verbose_name=_("co-workers"))
    observers = models.ManyToManyField(User, blank=True, related_name="+", verbose_name=_("observers"))
    deadline = MomentField(_("deadline"), null=True, blank=True)
    # Of a meeting: how long it takes, where it is (a place or a link).
    minutes = models.PositiveSmallIntegerField(_("length, minutes"), default=30)
    place = models.CharField(_("place or link"), max_length=300, blank=True)
    remind_at = MomentField(_("reminder"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.NEW)
    close_on_leave = models.BooleanField(_("cancel when the stage is left"), default=False)
    # Which rule made it ("rule:12"); triggers may watch one rule's tasks only.
    origin = models.CharField(_("made by"), max_length=40, blank=True)
    cause_depth = models.PositiveSmallIntegerField(_("depth of causes"), default=0)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        indexes = [
            models.Index(fields=["item", "status"], name="task_of_item"),
            models.Index(fields=["visit"], name="task_of_visit"),
            models.Index(fields=["assignee", "status", "deadline"], name="task_of_person"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def icon(self) -> str:
        return {self.Kind.CALL: "phone", self.Kind.MEETING: "users"}.get(self.Kind(self.kind), "checkbox")

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def is_late(self) -> bool:
        return bool(self.is_open and self.deadline and self.deadline < clock.now())

    def require(self, user: User) -> None:
        """Its assignee may work on a task, and who may edit its item. Raises Forbidden."""
        if self.item is not None and self.assignee_id != user.pk:
            self.item.require(user, "edit")

    def set_coworkers(self, people: Iterable[User], *, by: User | None) -> None:
        """Who takes part; those who are new hear of it."""
        before = set(self.coworkers.values_list("pk", flat=True))
        self.coworkers.set(people)
        fresh = [person for person in people if person.pk not in before and person != by and person != self.assignee]
        notify(fresh, _told(self), item=self.item, kind="task")

    def may_be_changed(self, user: User) -> bool:
        """Its words, time and place may reach the customer: whoever may edit the card; of none, its own person."""
        if self.item is None:
            return self.assignee_id == user.pk
        try:
            self.item.require(user, "edit")
        except Forbidden:
            return False
        return True

    @staticmethod
    def fault_of(kind: str, deadline: Any) -> str:
        """What every door says at the date: a meeting without one stands in no calendar. Empty where nothing is wrong."""
        return _now("When does it take place?") if kind == Task.Kind.MEETING and deadline is None else ""

    @classmethod
    def add(cls, *, item: Any = None, cause: Cause = Cause(), shown_as: User | None = None, **fields: Any) -> Task:
        """A new task: its event, the notice to its assignee, the item's next activity. One transaction. Raises Refused."""
        if fault := cls.fault_of(fields.get("kind", cls.Kind.TASK), fields.get("deadline")):
            raise Refused(fault)
        with transaction.atomic():
            task = cls.objects.create(item=item, cause_depth=cause.depth, **fields)
            if item is not None:
                plan_next_activity(item)
            record(
                "task.created",
                item=item,
                actor=shown_as,
                cause=cause,
                payload={"task": task.pk, "kind": task.kind, "title": task.title, "assignee": str(task.assignee or "")},
            )
            if task.assignee and task.assignee != shown_as:
                notify([task.assignee], _told(task), item=item, kind="task")
        return task

    def change(self, fields: dict[str, Any], *, by: User | None = None, cause: Cause = Cause()) -> list[str]:
        """Change its words, time, place or people; returns the names of what really changed.

        Args:
            fields: cleaned values by column (CHANGEABLE).
        Whoever was invited is told by the *task_changed* slot. Raises Refused.
        """
        with transaction.atomic():
            if self.item_id:
                databases.lock(_items().filter(pk=self.item_id)).values_list("pk").first()
            task = databases.lock(Task.objects.filter(pk=self.pk)).get()
            changed = [name for name, value in fields.items() if getattr(task, name) != value]
            if not changed:
                return []
            if "deadline" in changed and (fault := self.fault_of(task.kind, fields["deadline"])):
                raise Refused(fault)
            old = task.assignee
            for name in changed:
                setattr(task, name, fields[name])
                setattr(self, name, fields[name])
            task.save(update_fields=changed)
            if task.item is not None:
                plan_next_activity(task.item)
            payload = {"task": task.pk, "kind": task.kind, "title": task.title, "changed": changed}
            if task.deadline is not None:
                payload["at"] = task.deadline.isoformat()
            record("task.changed", item=task.item, actor=by, cause=cause, payload=payload)
            if task.assignee and task.assignee not in (old, by):
                notify([task.assignee], _told(task), item=task.item, kind="task")
            if {"title", "description", "deadline", "minutes", "place"} & set(changed):
                for tell in slots.task_changed:
                    tell(task, by)
        return changed

    def set_status(self, status: str, *, by: User | None = None, cause: Cause = Cause()) -> bool:
        """Change the status; False if it had it already. An end wakes whoever waits for it."""
        with transaction.atomic():
            if self.item_id:
                databases.lock(_items().filter(pk=self.item_id)).values_list("pk").first()
            task = databases.lock(Task.objects.filter(pk=self.pk)).get()
            old = task.status
            if old == status:
                return False
            self.status = task.status = status
            self.closed_at = task.closed_at = None if task.is_open else clock.now()
            task.save(update_fields=["status", "closed_at"])
            if task.item is not None:
                plan_next_activity(task.item)
            record(
                "task.status",
                item=task.item,
                actor=by,
                cause=cause,
                payload={
                    "task": task.pk,
                    "kind": task.kind,
                    "title": task.title,
                    "status": status,
                    "from": old,
                    "origin": task.origin,
                },
            )
            if not task.is_open:
                for wake in slots.task_ended:
                    wake(task)
            elif old == Task.Status.CANCELLED:
                for tell in slots.task_changed:  # it takes place after all
                    tell(task, by)
        return True


NEW = {
    Task.Kind.TASK: said("notice.task", "New task: %(title)s"),
    Task.Kind.CALL: said("notice.call", "New call: %(title)s"),
    Task.Kind.MEETING: said("notice.meeting", "New meeting: %(title)s"),
}


def fall_to(owner: User, item: Any) -> None:
    """What a form asked for while the card was nobody's is the first owner's task."""
    for task in item.tasks.open().filter(origin__startswith="form:").exclude(assignee=owner):
        task.assignee = owner
        task.save(update_fields=["assignee"])
        notify([owner], _told(task), item=item, kind="task")


def _told(task: Task) -> str:
    return NEW[Task.Kind(task.kind)] % {"title": task.title}


def _items() -> Any:
    """Items themselves know of tasks."""
    return apps.get_model("crm", "Item").objects


def plan_next_activity(item: Any) -> None:
    """The item's next planned activity: the earliest deadline of its open tasks."""
    due: datetime | None = item.tasks.open().aggregate(first=Min("deadline"))["first"]
    _items().filter(pk=item.pk).update(next_activity_at=due, last_activity_at=clock.now())
    boards.touch(item.pipeline_id, item.stage_id)
