"""What deletes, erases or blocks, for every card that arrives."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, Seen, checks
from automation.document import SET


def _asked_before(checked: Checked, rule: Seen) -> bool:
    """Whether its set is called only by rules that ask for something."""
    place = rule.spot.place
    calls = [
        one
        for one in checked.rules
        if one.part.action == "run_rule_set" and one.part.settings.get("rule_set") == place.key
    ]
    return place.kind == SET and all(one.part.condition or one.part.after_previous for one in calls)


@checks.register
class Drastic(Check):
    key = "drastic"
    label = _("It concerns every card that arrives")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rule in checked.rules:
            asks = rule.part.condition or rule.part.after_previous or _asked_before(checked, rule)
            if rule.type.drastic and not asks:
                yield self.found(rule.path, _now("Without a condition it does this to every card that arrives here."))
