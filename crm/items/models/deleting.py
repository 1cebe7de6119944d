"""How an item goes to the recycle bin and comes back out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models, transaction

from crm import slots
from crm.events.models import Cause
from crm.events.record import Entry, record
from crm.ground import clock, databases
from crm.ground.refused import Gone
from crm.ground.sentences import said
from crm.items.models.gate import Move, checked_by
from crm.items.models.leaving import close_visit, wake_waiters
from crm.pipelines import boards
from crm.pipelines.machine import machine_of

if TYPE_CHECKING:
    from crm.people.models import User


class Deleting(models.Model):
    """What an item can do with the recycle bin."""

    if TYPE_CHECKING:
        # Columns of Item, and the gate's view on all of them (crm/items/models/moving.py).
        pipeline_id: Any
        deleted_at: Any

        def _all(self) -> models.QuerySet[Any]: ...

    class Meta:
        abstract = True

    def delete_softly(self, *, by: User | None = None, cause: Cause = Cause(), quiet: bool = False) -> None:
        """To the recycle bin: the visit closes, runs and planned jobs are cancelled (E29). `quiet` tells no webhook."""
        with transaction.atomic():
            machine = machine_of(self.pipeline_id, share=True)
            item = databases.lock(self._all().filter(pk=self.pk)).get()
            checked_by(by, machine, "delete", item)
            if item.deleted_at:
                return
            now = clock.now()
            left = item.visit_id
            closed = close_visit(item, left, now, deleted=True)
            ended = closed.pop("ended", [])
            item.deleted_at = self.deleted_at = now
            item.visit, item.version = None, item.version + 1
            item.save()
            entry = Entry(item=item, visit=None, left_id=left, machine=machine, cancelled=closed)
            record("item.deleted", item=item, actor=by, cause=cause, entry=entry, quiet=quiet)
            wake_waiters(ended)
            for binned in slots.item_binned:
                binned(item)
            boards.touch(item.pipeline_id, item.stage_id)

    def restore(self, *, by: User | None = None) -> None:
        """Out of the recycle bin, into its stage (or the first one, where that is gone); starts no rules.

        Raises Forbidden, Gone.
        """
        with transaction.atomic():
            machine = machine_of(self.pipeline_id, share=True)
            item = databases.lock(self._all().filter(pk=self.pk)).first()
            if item is None or item.deleted_at is None:
                raise Gone(said("bin.gone", "This item is not in the recycle bin any more."))
            stage = machine.stages.get(item.stage_id) or machine.first_open()
            checked_by(by, machine, "delete", item, stage)
            move = Move(machine=machine, target=stage, by=by, cause=Cause(), now=clock.now(), start_rules=False)
            item.deleted_at = self.deleted_at = None
            self._all().filter(pk=item.pk).update(deleted_at=None)
            item.intent = move
            if item.stage_id != stage.pk:
                item._enter(stage, now=move.now)  # its own stage was retired meanwhile
                move.override = True
            item.stage_entered_at, item.version = move.now, item.version + 1
            item._open_visit(move, left=None, source=item.stage_id, kind="item.restored")
