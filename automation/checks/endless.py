"""Rules that send every card round and round at once: nothing but the engine's brake would end it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, Seen, checks, delay_of
from automation.models import Rule


@checks.register
class Endless(Check):
    """Moves without condition, delay or chain alone; what may only go round is told by the loop's warning."""

    key = "endless"
    label = _("A loop that every card runs into")
    level = ERROR

    def look(self, checked: Checked) -> Iterator[Finding]:
        leads: dict[str, tuple[str, Seen]] = {}
        for key, rules in checked.by_stage().items():
            for rule in rules:
                part, target = rule.part, rule.moves_to
                certain = not part.condition and not part.after_previous and part.repeat == Rule.Repeat.EVERY
                if target is not None and certain and delay_of(part) == 0:
                    leads.setdefault(key, (str(target.pk), rule))
        told: set[str] = set()
        for start in leads:
            walk: list[str] = []
            key = start
            while key in leads and key not in walk and key not in told:
                walk.append(key)
                key = leads[key][0]
            if key in walk[:-1]:  # to its own stage: another check says so
                circle = [*walk[walk.index(key) :], key]
                names = " → ".join(checked.stage_name(one) for one in circle)
                yield self.found(leads[circle[0]][1].path, _now("Every card would go round and round: %s.") % names)
            told.update(walk)
