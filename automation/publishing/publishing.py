"""A publication: the one way by which rules and triggers are written, whoever asks (designer, administration, API, text, demo).

Rows, version and audit are one transaction that locks the pipeline and no item; what happens to planned runs follows in jobs,
which lock items first (engine.md, "Lock order").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import caches
from django.db import transaction

from automation.base import trigger_types
from automation.document import Document, Faulty
from automation.models import Rule, Trigger
from automation.publishing.comparing import Change, compare, taken
from automation.publishing.judging import Judge
from automation.publishing.models import Publication, RuleRevision
from automation.publishing.rows import Live, Written, read
from automation.publishing.writing import Writer
from crm.account.audit import written_in_bulk
from crm.ground import clock, databases
from crm.models import Job, Pipeline, User
from crm.work import lanes
from crm.work.queue import ring

Origin = Publication.Origin
Decision = RuleRevision.Decision
SETTLE = "settle_rule"


@dataclass
class Editing:
    """The live automation of a locked pipeline; `document` is what it shall be.

    Args:
        decisions: by id of a rule, what its planned runs do; the new settings, unless said otherwise.
        judged: ids of parts that somebody has judged already (a form that was valid).
        taken_over: ids of what shall act with the publisher's rights although nothing of it differs.
        publishers: by id of a part, who answers for it, where that is not who publishes.
        publication: what came of it, once it is over; None: nothing differed.
    """

    live: Live
    document: Document
    decisions: dict[str, str] = field(default_factory=dict)
    judged: set[str] = field(default_factory=set)
    taken_over: set[str] = field(default_factory=set)
    publishers: dict[str, User | None] = field(default_factory=dict)
    publication: Publication | None = None

    def row(self, id: str) -> Any:
        """The rule or trigger of this id, as it was written."""
        return self.live.rules.get(id) or self.live.triggers[id]


@contextmanager
def editing(
    pipeline: Pipeline,
    by: User | None,
    origin: str,
    *,
    note: str = "",
    name: str = "",
    whole: bool = False,
    trusted: bool = False,
) -> Iterator[Editing]:
    """Change `document`; leaving publishes what differs. The pipeline stays locked meanwhile: nobody publishes in between.

    Args:
        by: whose rights the changed rules have from now on; None: those of who had published them.
        whole: the document is refused for any fault; else for those that it has now and had not before.
        trusted: it is not judged: the system moves what stands where it cannot stay.
    Raises Faulty.
    """
    with transaction.atomic():
        locked = databases.lock(Pipeline.objects.filter(pk=pipeline.pk)).get()
        live = read(locked)
        under_way = Editing(live, live.document.copy_of())
        yield under_way
        changes = compare(live.document, under_way.document)
        changes += taken(live.document, under_way.taken_over - {change.id for change in changes})
        judge = Judge(live, under_way.document, by, under_way.judged)
        faults = [] if trusted else judge.faults(changes, whole=whole)
        if faults:
            raise Faulty(faults)
        if changes or under_way.document.model_dump_json() != live.document.model_dump_json():
            under_way.publication = _publish(under_way, changes, by, origin, note=note, name=name, judge=judge)


def _publish(
    under_way: Editing, changes: list[Change], by: User | None, origin: str, *, note: str, name: str, judge: Judge
) -> Publication:
    live = under_way.live
    first_version(live)
    written = Writer(live, under_way.document, by, under_way.publishers).write(changes)
    late = judge.faults_of_new()
    if late:
        raise Faulty(late)
    made = Publication.objects.create(
        pipeline=live.pipeline,
        number=live.number + 1,
        name=name,
        note=note,
        origin=origin,
        document=under_way.document.plain(),
        switches=live.switches(),
        published_by=by,
    )
    _tell_runs(under_way, written, made, by)
    _tell_timers(written.triggers)
    written_in_bulk(written.changes, by)
    live.pipeline.touch_machine()
    live.last = made
    return made


def first_version(live: Live) -> Publication:
    """What the rows were before anything was published: version 1, so that there is a way back to it."""
    if live.last is None:
        live.last = Publication.objects.create(
            pipeline=live.pipeline,
            number=1,
            origin=Origin.FIRST,
            document=live.document.plain(),
            switches=live.switches(),
        )
    return live.last


def _tell_runs(under_way: Editing, written: Written, made: Publication, by: User | None) -> None:
    """What each rule's planned runs do: asked by every claim, and carried out by a job a rule."""
    rules = {row.pk: row for row in written.rules}
    RuleRevision.objects.bulk_create(
        RuleRevision(
            rule=rules[pk],
            publication=made,
            version=rules[pk].version,
            before=before,
            decision=under_way.decisions.get(rules[pk].uid, Decision.NEW),
        )
        for pk, before in written.before.items()
    )
    settle([*(rules[pk] for pk in written.before), *(row for row in written.rules if row.retired)], by)
    settle([row for row in written.confirmed if row.paused_at is not None], by, goes_on=True)


def settle(rules: list[Rule], by: User | None, *, goes_on: bool = False) -> None:
    """Their planned runs follow what the rule is now: new times, old settings, or their end (engine/settling.py).

    Args:
        goes_on: paused, it goes on by this person.
    """
    now = clock.now()
    Job.objects.bulk_create(
        Job(
            kind=SETTLE,
            key=f"settle:{rule.pk}:{rule.version}:{int(rule.is_enabled)}{int(goes_on)}:{now.timestamp()}",
            due_at=now,
            lane=lanes.BULK,
            payload={"rule": rule.pk, "by": by.pk if by is not None else None, "goes_on": goes_on},
        )
        for rule in rules
    )
    if rules:
        ring()


def _tell_timers(triggers: list[Trigger]) -> None:
    """Those of time are armed for what is there; of one that is gone they end."""
    for trigger in triggers:
        arm(trigger)


def arm(trigger: Trigger) -> None:
    caches["near"].delete(trigger.type)  # whether there is one of its type (engine/linked.py)
    found = trigger_types.get(trigger.type)
    if found is not None and found.is_timed():
        key = f"arm:{trigger.pk}:{trigger.version}:{clock.now().timestamp()}"
        Job.plan("arm_timers", key, lane=lanes.BULK, payload={"trigger": trigger.pk})
