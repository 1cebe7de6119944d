"""A rule behind one with which the card leaves the stage: it is cancelled before it runs."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, Mend, Seen, checks, name_of, timing_of
from automation.document import RULE, Document
from automation.models import Rule
from automation.timing import NOW


@checks.register
class AfterLeaving(Check):
    key = "after_leaving"
    label = _("The card has left before it runs")
    level = WARNING
    fix_label = _("Put that rule at the end")

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rules in checked.by_stage().values():
            leaving: Seen | None = None
            for rule in rules:
                if leaving is not None and self._comes_too_late(leaving, rule):
                    words = _now("With “%s” the card leaves the stage before this runs.") % name_of(leaving.part)
                    yield self.found(rule.path, words, _last(leaving.part.id))
                starts = _starts_at_once(rule) or (leaving is None and bool(rule.part.after_previous))
                if starts and not rule.part.condition and rule.type().leaves(rule.settings):
                    leaving = rule

    def _comes_too_late(self, leaving: Seen, rule: Seen) -> bool:
        return rule.part.on_leave == Rule.OnLeave.CANCEL and (
            bool(rule.part.after_previous) or _starts_at_once(leaving)
        )


def _starts_at_once(rule: Seen) -> bool:
    timing = timing_of(rule.part)
    return timing is not None and timing.when == NOW and not rule.part.after_previous


def _last(id: str) -> Mend:
    def fix(document: Document) -> None:
        found = document.find(id)
        if found is not None:
            _kind, spot, part = found
            rules = document.rules_of(spot.place)
            following = rules[rules.index(part) + 1] if rules[-1] is not part else None
            document.remove(id)
            if following is not None and following.after_previous and not part.after_previous:
                following.after_previous = ""  # it was the head of its chain
            document.add(RULE, spot.place, part)

    return fix
