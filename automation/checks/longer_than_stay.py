"""A delay longer than cards usually stay in the stage: most runs would be cancelled before they are due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, checks, timing_of
from automation.models import Rule
from automation.timing import DELAY, Timing, duration_words
from crm.ground import clock
from crm.models import StageVisit

DAYS, FEWEST, NEWEST = 90, 10, 5000
# Roughly: it is a hint, and working time is counted as a working day of eight hours in five days of seven.
SECONDS = {
    "seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800, "months": 2_592_000,
    "working_minutes": 60 * 4.2, "working_hours": 3600 * 4.2, "working_days": 86_400 * 1.4,
}  # fmt: skip


@checks.register
class LongerThanStay(Check):
    """Of the last 90 days: nine of ten cards had left by then."""

    key = "longer_than_stay"
    label = _("Cards have left before it is due")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        waiting = [
            rule
            for rule in checked.rules
            if rule.part.on_leave == Rule.OnLeave.CANCEL and _seconds(timing_of(rule.part))
        ]
        stays = _stays([int(rule.spot.place.key) for rule in waiting if rule.spot.place.key.isdigit()])
        for rule in waiting:
            stay, wait = stays.get(rule.spot.place.key), _seconds(timing_of(rule.part))
            if stay is not None and wait > stay:
                words = _now("Nine of ten cards leave this stage within %(stay)s: by then this rule is cancelled.")
                told = {"stay": duration_words(timedelta(seconds=stay))}
                yield self.found(f"{rule.path}.timing", words % told)


def _seconds(timing: Timing | None) -> float:
    return timing.amount * SECONDS[timing.unit] if timing is not None and timing.when == DELAY else 0


def _stays(stages: list[int]) -> dict[str, float]:
    """By the stage's id, how long nine of ten visits lasted, in seconds; of stages with enough of them."""
    since = clock.now() - timedelta(days=DAYS)
    visits = StageVisit.objects.filter(stage__in=stages, entered_at__gte=since, left_at__isnull=False, undone=False)
    lasted: dict[int, list[float]] = {}
    for stage, entered, left in visits.order_by("-entered_at").values_list("stage_id", "entered_at", "left_at")[
        :NEWEST
    ]:
        lasted.setdefault(stage, []).append((left - entered).total_seconds() if left is not None else 0)
    return {str(stage): sorted(all_)[len(all_) * 9 // 10] for stage, all_ in lasted.items() if len(all_) >= FEWEST}
