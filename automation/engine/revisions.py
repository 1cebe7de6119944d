"""Revisions: which settings a run has whose rule was published anew since it was planned (E30)."""

from __future__ import annotations

from automation.models import Run
from automation.publishing.models import RuleRevision
from crm.ground.sentences import said


class Cancelled(Exception):
    """The run must not begin any more; the sentence says why."""


def follow(run: Run) -> bool:
    """Give a run that shall finish with old settings those, in memory; returns whether it got them. Raises Cancelled.

    The first publication since that says anything else than *take the new ones* decides. One look, and only where the two
    versions differ; a run from before there were versions has none.
    """
    if run.pinned or not run.rule_version or run.rule_version == run.rule.version:
        return False
    told = RuleRevision.objects.filter(rule=run.rule_id, version__gt=run.rule_version)
    first = told.exclude(decision=RuleRevision.Decision.NEW).order_by("version").first()
    if first is None:
        return False
    if first.decision == RuleRevision.Decision.CANCEL:
        raise Cancelled(said("rule.changed", "the rule was changed, and its planned runs were cancelled"))
    run.taken, run.pinned = first.before, True
    return True
