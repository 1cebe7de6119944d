"""A rule that moves the card to the stage on which it stands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, checks
from automation.document import RULE, STAGE, Document
from automation.publishing import chains


@checks.register
class OwnStage(Check):
    key = "own_stage"
    label = _("It moves to its own stage")
    level = ERROR
    fix_label = _("Remove this rule")
    instead = True

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rule in checked.seen:
            target = rule.moves_to if rule.kind == RULE else None
            if target is not None and rule.spot.place.kind == STAGE and str(target.pk) == rule.spot.place.key:
                words = _now("The rule stands on this stage already.")
                yield self.found(f"{rule.path}.settings.stage", words, partial(_take_out, id=rule.part.id))


def _take_out(document: Document, id: str) -> None:
    chains.take_out(document, id)
