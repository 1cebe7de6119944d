"""A text that reads what a later rule gives: when it is written, that rule has not run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, checks, name_of, rules_read_by
from automation.publishing import chains


@checks.register
class LaterOutput(Check):
    key = "later_output"
    label = _("It reads what a later rule gives")
    level = ERROR
    fix_label = _("Put it behind that rule")
    instead = True

    def look(self, checked: Checked) -> Iterator[Finding]:
        for place, one in checked.document.places():
            stands = {part.key: number for number, part in reversed(list(enumerate(one.rules)))}
            for number, part in enumerate(one.rules):
                for name, read in rules_read_by(part):
                    for key in sorted(key for key in read if stands.get(key, 0) > number):
                        later = one.rules[stands[key]]
                        words = _now("It reads what “%s” gives, which stands after it.") % name_of(later)
                        where = f"{place.path}.rules.{part.id}.{name}"
                        yield self.found(where, words, partial(chains.follow, id=part.id, other=later.id))
