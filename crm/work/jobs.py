"""How jobs are performed: inside work in batches, outside work one row at a time, through `sending`."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import models, transaction

from crm import slots
from crm.ground import clock, databases
from crm.ground.sentences import said
from crm.work import lanes
from crm.work.leased import LeasedQuerySet, LeaseLost, Status, backoff
from crm.work.models import Job
from crm.work.queue import Kind, Stride, every, kind_of, kinds, passing_kinds, register_kind, ring

log = logging.getLogger("dealwright.jobs")

OUTSIDE_LOCK = 4221  # the advisory lock that serialises claims of outside work
RETRY_HOURS = 24  # the default limit; a rule may set its own in the payload


class Foreseen(Exception):
    """An end that `conclude` knows what to do with: no fault of ours, nothing for the log."""


class Permanent(Exception):
    """It will never work; the sentence says why."""


class Temporary(Exception):
    """It may work later. `retry_after`: seconds the other side asked for, or None."""

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class JobWorker:
    name = "jobs"

    def __init__(self) -> None:
        self.stride = Stride()

    # ------------------------------------------------------------------ what may be claimed

    def claimable(self) -> LeasedQuerySet:
        """Rows whose kind is known and not switched off. Others stay, and nobody counts them as late."""
        known = kinds()
        if any(paused() for paused in slots.automation_paused):
            known = {
                name: kind for name, kind in known.items() if not (kind.outside or kind.automation) or kind.indoors
            }
        return Job.objects.filter(kind__in=known)

    def due(self) -> bool:
        return self.claimable().due().exists()

    def progress(self) -> Any:
        newest = Job.objects.order_by("-pk").values_list("pk", flat=True)[:1]
        leases = Job.objects.held_here().aggregate(last=models.Max("lease_until"), rows=models.Count("pk"))
        return (list(newest), leases["last"], leases["rows"], Job.objects.filter(finished_at__isnull=False).count())

    # ------------------------------------------------------------------ taking

    def take(self, count: int) -> int:
        if not self.due():
            return 0
        taken = self._take_inside(count)
        return taken + self._take_outside()

    def _take_inside(self, count: int) -> int:
        rows = self.claimable().filter(outside=False)
        fresh = rows.filter(attempts=0, crashes=0).claim(min(count, self.stride.rows))
        if fresh:
            self._perform_batch(fresh)
        # One that failed or crashed before travels alone: it cannot spoil a batch again.
        again = rows.exclude(attempts=0, crashes=0).claim(1)
        for job in again:
            self._perform_alone(job)
        return len(fresh) + len(again)

    def _perform_batch(self, jobs: list[Job]) -> None:
        ids, owner = [job.pk for job in jobs], jobs[0].owner  # an attempt that is rolled back clears it in memory
        try:
            with transaction.atomic():
                lock_items(jobs)
                with slots.around_batch():
                    self.stride.start()
                    for number, job in enumerate(jobs):
                        if self.stride.is_over(number):
                            Job.objects.filter(pk__in=ids[number:], owner=owner).update(
                                status=Status.PLANNED, owner="", lease_until=None, crashes=0
                            )
                            break
                        with transaction.atomic():
                            self._perform_inside(job)
                    else:
                        self.stride.whole()
        except Exception:
            # Somebody in the batch failed or the commit did: everyone again, alone, each with its own fate.
            log.info("a batch of %d jobs is taken apart", len(jobs), exc_info=True)
            for job in Job.objects.filter(pk__in=ids, owner=owner, status=Status.RUNNING).order_by("pk"):
                self._perform_alone(job)

    def _perform_alone(self, job: Job) -> None:
        pk, owner = job.pk, job.owner
        try:
            databases.persistently(lambda: self._locked_inside(self._mine(pk, owner)))
        except LeaseLost:
            return
        except Exception as error:
            if not isinstance(error, Permanent):
                log.exception("job %s", job.key)
            self._conclude_failure(pk, owner, error)

    def _mine(self, pk: int, owner: str) -> Job:
        """The row as it stands, if it is still ours. Raises LeaseLost."""
        job = Job.objects.filter(pk=pk, owner=owner, status__in=(Status.RUNNING, Status.SENDING)).first()
        if job is None:
            raise LeaseLost(pk)
        return job

    def _conclude_failure(self, pk: int, owner: str, error: Exception) -> None:
        """The failure's own commit: tried again, or failed with its reason and told to whoever cares."""

        def work() -> None:
            job = self._mine(pk, owner)
            lock_items([job])
            if isinstance(error, Permanent) or not may_retry(job):
                self._fail(job, str(error) or repr(error))
            else:
                job.retry(backoff(job.attempts + 1), str(error) or repr(error), retry_limit(job))

        try:
            databases.persistently(work)
        except LeaseLost:
            return
        except Exception:
            # The last resort: the reason is written, and nothing else may stop the drain.
            log.exception("job %s: its failure could not be told", pk)
            Job.objects.filter(pk=pk, owner=owner).update(
                status=Status.FAILED, error=str(error), owner="", lease_until=None, finished_at=clock.now()
            )

    def _fail(self, job: Job, sentence: str) -> None:
        job.end(Status.FAILED, sentence)
        kind = kind_of(job.kind)
        if kind is not None and kind.lost is not None:
            kind.lost(job)
        end_waiters(job)

    def _locked_inside(self, job: Job) -> None:
        lock_items([job])
        with slots.around_batch():
            self._perform_inside(job)

    def _perform_inside(self, job: Job) -> None:
        kind = kind_of(job.kind)
        assert kind is not None
        with lanes.within(job.lane):
            result = kind.perform(job)
        if isinstance(result, datetime):
            job.give_back(result)
            return
        status, sentence = result if isinstance(result, tuple) else (Status.DONE, "")
        job.end(status, sentence)

    # ------------------------------------------------------------------ the world

    def _claim_outside(self) -> Job | None:
        """One row, if a place is free: workers - 1 processes do outside work, one channel at most half of them."""
        places = max(1, settings.WORKERS - 1)
        with transaction.atomic():
            databases.advisory_lock(OUTSIDE_LOCK)
            busy = list(Job.objects.held_here().filter(outside=True).values_list("channel_key", flat=True))
            if len(busy) >= places:
                return None
            share = max(1, places // 2)
            full = {key for key in busy if busy.count(key) >= share}
            claimed = self.claimable().filter(outside=True).exclude(channel_key__in=full).claim(1)
        return claimed[0] if claimed else None

    def _take_outside(self) -> int:
        job = self._claim_outside()
        if job is None:
            return 0
        kind = kind_of(job.kind)
        assert kind is not None
        pk, owner = job.pk, job.owner
        try:
            with databases.durable():
                if not databases.persistently(lambda: self._begin(self._mine(pk, owner))):
                    return 1
        except LeaseLost:
            return 1
        except Exception as error:
            log.exception("job %s could not begin", job.key)
            self._conclude_failure(pk, owner, Permanent(str(error) or repr(error)))
            return 1
        outcome: Any
        try:
            with lanes.within(job.lane):
                outcome = kind.perform(job)
        except (Permanent, Temporary) as error:
            outcome = error
        except Foreseen as error:
            outcome = error
        except Exception as error:
            log.exception("job %s", job.key)
            # We do not know how far it came: `conclude` decides by the transport.
            outcome = error
        try:
            databases.persistently(lambda: self._conclude(self._mine(pk, owner), outcome))
        except LeaseLost:
            log.warning("job %s: the lease ended before the outcome was written", job.key)
        except Exception as error:
            log.exception("job %s: the outcome could not be written", job.key)
            self._conclude_failure(pk, owner, Permanent(str(error) or repr(error)))
        return 1

    def _begin(self, job: Job) -> bool:
        """The *sending* commit: the last moment to decide against it. False if it was ended or put off."""
        kind = kind_of(job.kind)
        assert kind is not None
        lock_items([job])
        if kind.begin is not None and not kind.begin(job):
            return False
        job.change(status=Status.SENDING, lease_until=databases.real_in(settings.LEASE_SECONDS))
        return True

    def _conclude(self, job: Job, outcome: Any) -> None:
        """Outcome, the waiting run's end and the next in its chain: one transaction."""
        kind = kind_of(job.kind)
        assert kind is not None
        assert kind.conclude is not None
        lock_items([job])
        with lanes.within(job.lane):
            self._concluded(kind, job, outcome)

    @staticmethod
    def _concluded(kind: Any, job: Job, outcome: Any) -> None:
        if isinstance(outcome, Temporary):
            if may_retry(job, outcome.retry_after):
                job.retry(backoff(job.attempts + 1, outcome.retry_after), str(outcome), retry_limit(job))
                if kind.put_back is not None:
                    kind.put_back(job)
                return
            outcome = Permanent(str(outcome))
        with slots.around_batch():
            kind.conclude(job, outcome)
            end_waiters(job)

    # ------------------------------------------------------------------ crashes

    def was_killed(self) -> None:
        """A job has no rule to blame: its own crashes are counted (E48)."""

    def reclaim(self) -> None:
        rows = Job.objects.filter(status__in=(Status.RUNNING, Status.SENDING), lease_until__lt=databases.real_now())
        if not rows.exists():
            return
        for job in Job.objects.reclaim():
            try:
                databases.persistently(partial(self._end_lost, job.pk))
            except LeaseLost:
                continue
            except Exception:
                log.exception("job %s: its crash could not be written", job.pk)
        ring()

    def _end_lost(self, pk: int) -> None:
        plain = Job.objects.filter(pk=pk).first()
        if plain is None:
            return
        lock_items([plain])
        job = databases.lock(Job.objects.filter(pk=pk, lease_until__lt=databases.real_now())).first()
        if job is None:
            return
        kind = kind_of(job.kind)
        if job.status == Status.SENDING and kind is not None and kind.conclude is not None:
            kind.conclude(job, None)  # None: nobody knows whether it left the house
        elif job.status == Status.RUNNING and job.crashes >= job.most_crashes:
            self._fail(job, said("crashed", "crashed the worker"))
            return
        end_waiters(job)


def retry_limit(job: Job) -> timedelta:
    return timedelta(hours=int(job.payload.get("retry_hours", RETRY_HOURS)))


def may_retry(job: Job, retry_after: float | None = None) -> bool:
    """Within the limit of hours, counted from the first failure, the pause that the world asks for included (E45)."""
    return (
        job.tried_for() < retry_limit(job) and timedelta(seconds=retry_after or 0) <= retry_limit(job) - job.tried_for()
    )


def end_waiters(job: Job) -> None:
    """Tell upper layers that an outside job ended, inside the transaction that ends it."""
    if job.is_final:
        for ended in slots.job_ended:
            ended(job)


def lock_items(jobs: list[Job]) -> None:
    """Lock order everywhere: items by id first."""
    ids = sorted({job.item_id for job in jobs if job.item_id})
    if ids:
        items: Any = Job._meta.get_field("item").related_model
        list(databases.lock(items.objects.filter(pk__in=ids).order_by("pk")).values_list("pk", flat=True))


# ---------------------------------------------------------------------- what nobody asks for any more

FORGET_AFTER = timedelta(days=7)
FORGET_AT_ONCE = 5000


def forget(job: Job) -> None:
    """Ended work that comes back by itself; its keys name a moment, so no repeat can meet them. Others are kept."""
    old = Job.objects.filter(kind__in=passing_kinds(), finished_at__lt=clock.now() - FORGET_AFTER)
    Job.objects.filter(pk__in=list(old.order_by("pk").values_list("pk", flat=True)[:FORGET_AT_ONCE])).delete()


register_kind(Kind("forget_jobs", forget))
every("forget_jobs", timedelta(hours=1))
slots.workers.register(JobWorker())
