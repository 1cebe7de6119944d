"""Two rules of one stage that move the card to different stages at the same moment."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, Seen, checks, name_of, timing_of
from automation.models import Rule
from automation.timing import DATE


@checks.register
class ContradictingMoves(Check):
    """Of those that every card meets at every visit: two with conditions may each have their own cards."""

    key = "contradicting_moves"
    label = _("Two rules move the card to different stages at once")
    level = ERROR

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rules in checked.by_stage().values():
            moving: dict[str, Seen] = {}
            for rule in rules:
                part = rule.part
                if part.condition or part.after_previous or part.repeat != Rule.Repeat.EVERY or not rule.leaves:
                    continue
                timing = timing_of(part)
                moment = (
                    "" if timing is None else f"{timing.words()} {timing.date_field if timing.when == DATE else ''}"
                )
                first = moving.setdefault(moment, rule)
                if first is not rule and _where(first) != _where(rule):
                    words = _now("“%s” moves the card elsewhere at the same moment: one of both never happens.")
                    yield self.found(rule.path, words % name_of(first.part))


def _where(rule: Seen) -> str:
    target = rule.moves_to
    return str(target.pk) if target is not None else f"{rule.type.key} {rule.part.settings}"
