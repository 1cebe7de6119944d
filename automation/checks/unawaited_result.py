"""A text that reads what an earlier rule gives, and does not wait for that rule to have ended."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import action_of
from automation.checking import WARNING, Check, Checked, Finding, checks, delay_of, name_of, rules_read_by
from automation.document import RulePart
from automation.publishing import chains


@checks.register
class UnawaitedResult(Check):
    """Of a rule that ends apart from it: it makes a paper, asks somebody, or runs later."""

    key = "unawaited_result"
    label = _("It does not wait for what it reads")
    level = WARNING
    fix_label = _("Start it after that rule")

    def look(self, checked: Checked) -> Iterator[Finding]:
        on = {rule.part.id for rule in checked.rules}
        for place, one in checked.document.places():
            earlier: dict[str, tuple[int, RulePart]] = {}
            chain = 0
            for part in one.rules:
                chain += not part.after_previous
                read = {key for _name, keys in rules_read_by(part) for key in keys}
                for key in sorted(read & earlier.keys()):
                    there, giver = earlier[key]
                    if there != chain and part.id in on and _ends_apart(giver):
                        words = _now("It reads what “%s” gives, and does not wait for it.") % name_of(giver)
                        where = f"{place.path}.rules.{part.id}"
                        yield self.found(where, words, partial(chains.follow, id=part.id, other=giver.id))
                earlier[part.key] = (chain, part)


def _ends_apart(giver: RulePart) -> bool:
    found = action_of(giver.action)
    return found.alone or found.pauses or delay_of(giver) != 0
