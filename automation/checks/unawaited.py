"""A rule behind an approval, a pause or a branch that starts by itself: it does not wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import action_of
from automation.checking import HINT, Check, Checked, Finding, checks, name_of
from automation.publishing import chains


@checks.register
class Unawaited(Check):
    key = "unawaited"
    label = _("It does not wait for the rule before it")
    level = HINT
    fix_label = _("Start it after that rule")

    def look(self, checked: Checked) -> Iterator[Finding]:
        on = {rule.part.id for rule in checked.rules}
        for rule in checked.rules:
            earlier = checked.previous(rule)
            if earlier is None or rule.part.after_previous or earlier.id not in on:
                continue
            before = action_of(earlier.action)
            if before.pauses or before.branches:
                words = _now("It does not wait for “%s”, which stands before it.") % name_of(earlier)
                yield self.found(rule.path, words, partial(chains.start_after, id=rule.part.id))
