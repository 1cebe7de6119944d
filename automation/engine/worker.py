"""The worker of the runs' table: claims, batches, one transaction each; what dies is given back."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import models, transaction

from automation import live
from automation.engine import chain
from automation.engine.perform import attempt
from automation.engine.plan import awaited, awaited_in_batch
from automation.engine.prepare import Batch
from automation.models import Rule, Run
from crm import slots
from crm.events import record as events
from crm.events.notice import notify
from crm.ground import clock, databases
from crm.ground.sentences import named, said
from crm.models import Item, SystemSwitches
from crm.people.models import administrators
from crm.pipelines import boards
from crm.work import lanes
from crm.work.leased import HOST, LeasedQuerySet, LeaseLost, Status
from crm.work.queue import Stride, ring

log = logging.getLogger("dealwright.automation")


class RunWorker:
    name = "runs"

    def __init__(self) -> None:
        self.stride = Stride()

    def claimable(self) -> LeasedQuerySet:
        return Run.objects.none() if SystemSwitches.paused() else Run.objects.all()

    def due(self) -> bool:
        return self.claimable().due().exists()

    def progress(self) -> Any:
        leases = Run.objects.held_here().aggregate(last=models.Max("lease_until"), rows=models.Count("pk"))
        newest = Run.objects.filter(finished_at__isnull=False).order_by("-finished_at").values_list("pk", flat=True)
        return (leases["last"], leases["rows"], list(newest[:1]))

    def take(self, count: int) -> int:
        if not self.due():
            return 0
        fresh = Run.objects.filter(attempts=0, crashes=0, alone=False).claim(min(count, self.stride.rows))
        if fresh:
            self._batch(fresh)
        return len(fresh) + self._take_alone(1 if fresh else max(1, count // 10))

    def _take_alone(self, count: int) -> int:
        """One at a time, claim included: a run that kills its worker must not spoil the next one's count."""
        lonely = models.Q(alone=True) | models.Q(attempts__gt=0) | models.Q(crashes__gt=0)
        taken = 0
        while taken < count and (single := Run.objects.filter(lonely).claim(1)):
            self._alone(single[0].pk, single[0].owner)
            taken += 1
        return taken

    def _batch(self, runs: list[Run]) -> None:
        """One transaction, a savepoint each; if the whole fails, everyone alone."""
        ids, owner = [run.pk for run in runs], runs[0].owner  # an attempt that is rolled back clears it in memory
        try:
            with transaction.atomic():
                self._together(runs)
        except Exception:
            log.info("a batch of %d runs is taken apart", len(runs), exc_info=True)
            for pk in ids:
                self._alone(pk, owner)

    def _together(self, runs: list[Run]) -> None:
        """Perform a batch; what is not reached in its time goes back."""
        items, rules, batch = _locked_items(runs), _rules(runs), Batch()
        self.stride.start()
        token = awaited_in_batch.set(awaited(items))
        try:
            self._each(runs, items, rules, batch)
        finally:
            awaited_in_batch.reset(token)

    def _each(self, runs: list[Run], items: dict[int, Any], rules: dict[int, Rule], batch: Batch) -> None:
        with boards.collecting(), events.collecting() as batch.events:
            for number, run in enumerate(runs):
                if self.stride.is_over(number):
                    Run.objects.filter(pk__in=[later.pk for later in runs[number:]], owner=run.owner).update(
                        status=Status.PLANNED, owner="", lease_until=None, crashes=0
                    )
                    break
                run.rule, run.item, run.ends = rules[run.rule_id], items[run.item_id], batch.ends
                with lanes.within(run.lane):
                    attempt(run, run.item, batch)
            else:
                self.stride.whole()
            Run.write_ends(batch.ends)

    def _alone(self, pk: int, owner: str) -> None:
        try:
            databases.persistently(lambda: self._one(pk, owner))
        except LeaseLost:
            return
        except Exception as error:
            # The last resort: the reason is written, and nothing stops the drain.
            log.exception("run %s", pk)
            Run.objects.filter(pk=pk, owner=owner).update(
                status=Status.FAILED, error=str(error), owner="", lease_until=None, crashes=0, finished_at=clock.now()
            )

    def _one(self, pk: int, owner: str) -> None:
        run = Run.objects.filter(pk=pk, status=Status.RUNNING, owner=owner).first()
        if run is None:
            return
        run.item = _locked_items([run])[run.item_id]
        run.rule = _rules([run])[run.rule_id]
        with boards.collecting(), lanes.within(run.lane):
            attempt(run, run.item, Batch())

    def was_killed(self) -> None:
        """Which rules' runs were held when the watchdog killed this host's workers (see `_hung`).

        On PostgreSQL a lease may have run out before: then those that were given back lately are looked at.
        """
        held = list(Run.objects.filter(status=Status.RUNNING, owner__startswith=f"{HOST}:"))
        lately = clock.now() - timedelta(seconds=settings.LEASE_SECONDS + settings.HANG_SECONDS + 60)
        held = held or list(Run.objects.filter(finished_at__isnull=True, crashes__gt=0, started_at__gte=lately))
        seen: set[int] = set()
        for run in held:
            if run.rule_id not in seen:
                seen.add(run.rule_id)
                databases.persistently(partial(_hung, run, len(held) == 1))

    def reclaim(self) -> None:
        """E48: runs whose worker died go back; the third crash ends them."""
        if not Run.objects.filter(status=Status.RUNNING, lease_until__lt=databases.real_now()).exists():
            return
        for run in Run.objects.reclaim():
            if run.crashes >= run.most_crashes:
                try:
                    databases.persistently(partial(_end_crashed, run.pk))
                except LeaseLost:
                    continue
                except Exception:
                    log.exception("run %s: its crash could not be written", run.pk)
        ring()


def _hung(run: Run, alone: bool) -> None:
    """One death of a worker in runs of the rule; the second in a day ends the run and holds the rule.

    Args:
        alone: the run was the only one that the worker held, so it is the culprit.
    """
    _locked_items([run])
    fresh = databases.lock(Run.objects.filter(pk=run.pk)).select_related("rule__publisher").get()
    now, rule = clock.now(), fresh.rule
    again = rule.hung_at is not None and rule.hung_at > now - timedelta(days=1)
    live.mark_hung(rule)
    if not alone or not again or fresh.is_final:
        return
    reason = said("rule.hangs", "Paused: it stopped a worker twice within a day.")
    # The dead worker's lease is ours now: nobody else may give the run back meanwhile.
    chain.end(
        fresh,
        Status.FAILED,
        said("rule.hung", "It stood still and stopped the worker, for the second time within a day."),
    )
    live.pause(rule, reason)
    told = {person.pk: person for person in (*administrators(), rule.publisher) if person is not None}
    notify(list(told.values()), named(rule.name, reason), kind="trouble", group=f"hung:{rule.pk}")


def _end_crashed(pk: int) -> None:
    plain = Run.objects.get(pk=pk)
    _locked_items([plain])
    run = databases.lock(Run.objects.filter(pk=pk, lease_until__lt=databases.real_now())).first()
    if run is not None and run.status == Status.RUNNING:
        chain.end(run, Status.FAILED, said("crashed", "crashed the worker"))


def _locked_items(runs: list[Run]) -> dict[int, Any]:
    """The runs' items, locked in order of id, with what most actions read.

    Two questions: PostgreSQL judges a locked row's joins again after it waited for the lock, with the other tables as
    they were before. An item that was just moved to another stage then fell out of a joined answer.
    """
    ids = sorted({run.item_id for run in runs})
    list(databases.lock(Item.objects.filter(pk__in=ids).order_by("pk")).values_list("pk", flat=True))
    rows = Item.objects.filter(pk__in=ids).select_related("contact", "owner", "visit__stage", "stage")
    return {item.pk: item for item in rows}


def _rules(runs: list[Run]) -> dict[int, Rule]:
    rows = Rule.objects.filter(pk__in={run.rule_id for run in runs})
    return {rule.pk: rule for rule in rows.select_related("publisher", "stage")}


slots.workers.register(RunWorker())
