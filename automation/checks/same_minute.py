"""Several messages to one customer within the same minute."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, Seen, checks, name_of, timing_of


@checks.register
class SameMinute(Check):
    """Of one medium; of two with conditions each may be meant for its own customers."""

    key = "same_minute"
    label = _("Several messages within the same minute")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rules in checked.by_stage().values():
            moments: dict[tuple[str, str], list[Seen]] = {}
            for rule in rules:
                medium, timing = rule.writes_to, timing_of(rule.part)
                if not medium or timing is None or rule.part.after_previous:
                    continue
                moment = (medium, f"{timing.words()} {timing.date_field}")
                others = moments.setdefault(moment, [])
                first = next((one for one in others if _meets(one, rule)), None)
                others.append(rule)
                if first is not None:
                    words = _now("The customer gets this and “%s” in the same minute.") % name_of(first.part)
                    yield self.found(rule.path, words)


def _meets(one: Seen, other: Seen) -> bool:
    """Whether there are cards for which both run."""
    return not (one.part.condition and other.part.condition) or one.part.condition == other.part.condition
