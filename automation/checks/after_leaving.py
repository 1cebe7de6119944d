"""A rule that is due when another one has sent the card off its stage: it is cancelled before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, Seen, checks, delay_of, name_of
from automation.models import Rule
from automation.publishing import chains


@dataclass(frozen=True)
class Step:
    """A rule in its chain: which one, how long after the entry (None: nobody knows), whether it runs for every card."""

    rule: Seen
    chain: int
    moment: float | None
    is_certain: bool


@checks.register
class AfterLeaving(Check):
    """Told only of what every card meets: a rule with a condition, once per card, or behind an approval may not run at all."""

    key = "after_leaving"
    label = _("The card has left before it runs")
    level = WARNING
    fix_label = _("Put that rule at the end")

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rules in checked.by_stage().values():
            steps = _steps(rules)
            for place, leaving in enumerate(steps):
                if not leaving.rule.leaves:
                    continue
                for other, step in enumerate(steps):
                    if step is not leaving and _is_cancelled(leaving, step, other > place, other == place + 1):
                        words = _now("With “%s” the card leaves the stage before this runs.") % name_of(
                            leaving.rule.part
                        )
                        fix = partial(chains.put_last, id=leaving.rule.part.id) if _helps(leaving, step) else None
                        yield self.found(step.rule.path, words, fix)


def _steps(rules: list[Seen]) -> list[Step]:
    found: list[Step] = []
    for rule in rules:
        before = found[-1] if found and rule.part.after_previous else None
        own = delay_of(rule.part)
        moment = own if before is None else None if own is None or before.moment is None else before.moment + own
        certain = not rule.part.condition and rule.part.repeat == Rule.Repeat.EVERY
        if before is not None:
            certain = certain and before.is_certain and not (before.rule.type.pauses or before.rule.type.branches)
        found.append(Step(rule, before.chain if before is not None else len(found), moment, certain))
    return found


def _is_cancelled(leaving: Step, step: Step, stands_after: bool, is_next: bool) -> bool:
    if step.rule.part.on_leave != Rule.OnLeave.CANCEL:
        return False
    if step.chain == leaving.chain:
        needs_it = is_next and step.rule.part.after_previous == Rule.After.DONE
        return stands_after and (leaving.is_certain or needs_it)
    if not leaving.is_certain or leaving.moment is None or step.moment is None:
        return False
    return step.moment > leaving.moment or (step.moment == leaving.moment and stands_after)


def _helps(leaving: Step, step: Step) -> bool:
    """A chained one keeps the rule before it (an approval, say), and one that is due earlier leaves first wherever it stands."""
    return not leaving.rule.part.after_previous and step.moment == leaving.moment
