"""A message that a delay may bring to the customer at night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import MEDIA, WARNING, Check, Checked, Finding, Mend, checks, timing_of
from automation.document import Document, RulePart
from automation.timing import DELAY, TIME_OF_DAY, WHOLE_DAYS, Timing

MORNING, EVENING = time(7), time(21)
# A shorter delay is an answer to what the customer has just done, whatever the hour.
SHORT = {"seconds": 3600, "minutes": 60}


@checks.register
class AtNight(Check):
    key = "at_night"
    label = _("It may come at night")
    level = WARNING
    fix_label = _("Only in working time")

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rule in checked.rules:
            timing = timing_of(rule.part)
            if timing is None or rule.writes_to not in MEDIA or not _at_night(timing):
                continue
            channel = checked.channel_of(rule)
            if channel is not None and channel.calendar_id is not None:
                continue  # the channel has hours of its own
            words = _now("It may reach the customer at night: it is not kept to working time.")
            yield self.found(f"{rule.path}.timing", words, _kept(rule.part.id))


def _at_night(timing: Timing) -> bool:
    if timing.working_only or (timing.when == DELAY and timing.unit.startswith("working_")):
        return False
    moment = timing.at if timing.when == TIME_OF_DAY else timing.delay_at
    if timing.when == TIME_OF_DAY or (timing.when == DELAY and timing.unit in WHOLE_DAYS and moment is not None):
        return moment is not None and not MORNING <= moment < EVENING
    return timing.when == DELAY and timing.amount >= SHORT.get(timing.unit, 1)


def _kept(id: str) -> Mend:
    def fix(document: Document) -> None:
        found = document.find(id)
        if found is not None and isinstance(found[2], RulePart):
            found[2].timing["working_only"] = True

    return fix
