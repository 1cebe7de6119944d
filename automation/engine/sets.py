"""Sets: a rule of a stage calls a set; the set's rules become runs of the same stay, in a round of their own."""

from __future__ import annotations

import logging

from django.db.models import Max

from automation.base import ActionError, Call, action_of
from automation.compiled import automation_of
from automation.engine.due import end_unstarted, set_due, travels_alone
from automation.models import MOST_NESTED, Rule, RuleSet, Run
from crm.ground import clock
from crm.ground.sentences import said
from crm.pipelines.machine import machine_of
from crm.work.leased import Status

log = logging.getLogger("dealwright.automation")


def planned(caller: Run, asked: Call) -> list[Run]:
    """The runs of the set's rules, written; the item is locked by the caller of this function.

    Raises ActionError for a set that is gone, of another pipeline, or that calls itself.
    """
    machine = machine_of(caller.item.pipeline_id)
    found = RuleSet.objects.filter(pk=asked.rule_set, pipeline=machine.pipeline.pk, retired=False).first()
    if found is None:
        raise ActionError(said("set.gone", "The rule set no longer exists, or belongs to another pipeline."))
    _check_nesting(caller, found)
    rules = automation_of(machine).sets.get(found.pk, [])
    taken = Run.objects.filter(visit=caller.visit_id)
    # Places beyond those that the stay's runs have: a chain looks for what follows a place.
    place = (taken.aggregate(last=Max("order"))["last"] or 0) + 1
    rounds = taken.filter(rule__in=[rule.pk for rule in rules]).aggregate(last=Max("round"))["last"]
    made: list[Run] = []
    previous: int | None = None
    for number, rule in enumerate(rules):
        follows = previous if rule.after_previous else None
        if rule.is_enabled:
            made.append(_run(caller, rule, place + number, follows, 0 if rounds is None else rounds + 1))
            previous = place + number
        else:
            previous = follows
    followed = {run.after_order for run in made if run.after_order is not None}
    for run in made:
        run.has_next = run.order in followed
    return Run.objects.bulk_create(made)


def _run(caller: Run, rule: Rule, place: int, follows: int | None, number: int) -> Run:
    run = Run(
        rule=rule,
        rule_version=rule.version,
        visit=caller.visit,
        item=caller.item,
        caller=caller,
        round=number,
        order=place,
        after_order=follows,
        keeps=caller.keeps,
        alone=travels_alone(action_of(rule.action)),
        depth=caller.depth,
        created_at=clock.now(),
        changes=caller.changes,
    )
    try:
        if rule.has_run(caller.item):
            end_unstarted(run, Status.SKIPPED, said("rule.has_run", "It has already run for this item."))
        elif follows is not None:
            run.waiting_for = "previous"
        else:
            set_due(run, caller.item, machine_of(caller.item.pipeline_id), clock.now())
    except Exception as error:  # one that cannot be planned fails by itself (E44)
        log.exception("rule %s could not be planned", rule.pk)
        end_unstarted(run, Status.FAILED, str(error) or repr(error))
    return run


def _check_nesting(caller: Run, found: RuleSet) -> None:
    """Raises ActionError for a set that calls itself, or calls that are nested too deep."""
    names = [found.name]
    above: Run | None = caller
    while above is not None and above.rule.rule_set is not None:
        names.append(above.rule.rule_set.name)
        if above.rule.rule_set_id == found.pk:
            words = said("set.circle", "Rule sets call each other in a circle: %s.")
            raise ActionError(words % " → ".join(reversed(names)))
        above = above.caller
    if len(names) > MOST_NESTED:
        raise ActionError(said("set.deep", "Rule sets call each other more than %d deep.") % MOST_NESTED)
