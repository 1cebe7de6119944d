"""What deletes, erases or blocks, for every card that arrives."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, checks


@checks.register
class Drastic(Check):
    key = "drastic"
    label = _("It concerns every card that arrives")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rule in checked.rules:
            if rule.type.drastic and not rule.part.condition and not rule.part.after_previous:
                yield self.found(rule.path, _now("Without a condition it does this to every card that arrives here."))
