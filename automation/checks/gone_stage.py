"""Rules and triggers on a stage that is not there any more."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, Mend, checks
from automation.document import STAGE, Document, StagePart


@checks.register
class GoneStage(Check):
    key = "gone_stage"
    label = _("A stage that no longer exists")
    level = ERROR
    fix_label = _("Remove what stands there")

    def look(self, checked: Checked) -> Iterator[Finding]:
        for place, one in checked.document.places():
            holds = one.rules or (isinstance(one, StagePart) and one.triggers)
            stage = checked.live.stages.get(place.key)
            if place.kind == STAGE and holds and (stage is None or stage.retired):
                words = _now("The stage “%s” no longer exists.") % checked.stage_name(place.key)[:80]
                yield self.found(place.path, words, _emptied(place.key))


def _emptied(key: str) -> Mend:
    def fix(document: Document) -> None:
        document.stages[key].rules, document.stages[key].triggers = [], []

    return fix
