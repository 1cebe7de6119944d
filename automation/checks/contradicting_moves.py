"""Two rules of one stage that move the card to different stages at the same moment."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, Seen, checks, name_of, timing_of
from automation.timing import DATE


@checks.register
class ContradictingMoves(Check):
    """Of those without a condition alone: two with conditions may each have their own cards."""

    key = "contradicting_moves"
    label = _("Two rules move the card to different stages at once")
    level = ERROR

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rules in checked.by_stage().values():
            moving: dict[str, Seen] = {}
            for rule in rules:
                target = rule.type().moves_to(rule.settings)
                if target is None or rule.part.condition or rule.part.after_previous:
                    continue
                timing = timing_of(rule.part)
                moment = (
                    "" if timing is None else f"{timing.words()} {timing.date_field if timing.when == DATE else ''}"
                )
                first = moving.setdefault(moment, rule)
                if first is not rule and first.type().moves_to(first.settings) != target:
                    words = _now("“%s” moves the card elsewhere at the same moment: one of both never happens.")
                    yield self.found(rule.path, words % name_of(first.part))
