"""A delay longer than cards usually stay in the stage: most runs would be cancelled before they are due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, checks, delay_of
from automation.document import STAGE
from automation.models import Rule
from automation.timing import duration_words
from crm.ground import clock
from crm.models import StageVisit

DAYS, FEWEST, NEWEST = 90, 10, 500


@checks.register
class LongerThanStay(Check):
    """Of the last 90 days: nine of ten cards had left by then."""

    key = "longer_than_stay"
    label = _("Cards have left before it is due")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        stays: dict[str, float | None] = {}
        for rule in checked.rules:
            wait, place = delay_of(rule.part), rule.spot.place
            if (
                not wait
                or rule.part.on_leave != Rule.OnLeave.CANCEL
                or place.kind != STAGE
                or place.key not in checked.live.stages
            ):
                continue
            if place.key not in stays:
                stays[place.key] = _stay(int(place.key))
            stay = stays[place.key]
            if stay is not None and wait > stay:
                words = _now("Nine of ten cards leave this stage within %(stay)s: by then this rule is cancelled.")
                yield self.found(f"{rule.path}.timing", words % {"stay": duration_words(timedelta(seconds=stay))})


def _stay(stage: int) -> float | None:
    """How long nine of ten of the newest visits lasted, in seconds; those that go on, so far. None: of too few."""
    now = clock.now()
    visits = StageVisit.objects.filter(stage=stage, entered_at__gte=now - timedelta(days=DAYS), undone=False)
    rows = visits.order_by("-entered_at").values_list("entered_at", "left_at")[:NEWEST]
    lasted = sorted(((left or now) - entered).total_seconds() for entered, left in rows)
    return lasted[len(lasted) * 9 // 10] if len(lasted) >= FEWEST else None
