"""Rules on a stage that no card can reach: no move is allowed to it, no form, rule or trigger leads there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import HINT, Check, Checked, Finding, checks
from automation.document import STAGE
from crm.ground import clock
from crm.models import StageVisit, WebForm

DAYS = 90


@checks.register
class DeadStage(Check):
    """A hint: who adds a card, a rule or a program may put it straight there; none has for a quarter of a year."""

    key = "dead_stage"
    label = _("No card comes here")
    level = HINT

    def look(self, checked: Checked) -> Iterator[Finding]:
        machine = checked.machine
        if not machine.transitions:
            return  # every move is allowed
        reached = {target for _source, target in machine.transitions} | {machine.first_open().pk}
        forms = WebForm.objects.filter(pipeline=checked.live.pipeline, is_active=True, stage__isnull=False)
        reached |= set(forms.values_list("stage_id", flat=True))
        since = clock.now() - timedelta(days=DAYS)
        reached |= set(
            StageVisit.objects.filter(stage__in=machine.stages, entered_at__gte=since).values_list("stage", flat=True)
        )
        keys = {str(pk) for pk in reached} | {one.spot.place.key for one in checked.triggers if one.part.override}
        for key in checked.by_stage():
            stage = checked.live.stages.get(key)
            if stage is not None and not stage.retired and key not in keys:
                words = _now("No move, form or trigger can bring a card to “%s”.")
                yield self.found(f"{STAGE}s.{key}", words % stage.name)
