"""A text that reads what a later rule gives: when it is written, that rule has not run."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, Mend, checks, name_of
from automation.document import RULE, Document, Place
from automation.models import Rule
from crm.messages import merge_text


@checks.register
class LaterOutput(Check):
    key = "later_output"
    label = _("It reads what a later rule gives")
    level = ERROR
    fix_label = _("Put it behind that rule")

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rule in checked.seen:
            if rule.kind != RULE:
                continue
            place, earlier = rule.spot.place, {part.key for part in checked.before(rule)}
            later = {part.key: part for part in checked.document.rules_of(place) if part.key not in earlier}
            for name, value in rule.part.settings.items():
                for key in sorted(_read_by(value) & later.keys() - {rule.part.key}):
                    words = _now("It reads what “%s” gives, which stands behind it.") % name_of(later[key])
                    where = f"{rule.path}.settings.{name}"
                    yield self.found(where, words, _behind(place, rule.part.id, later[key].id))


def _read_by(value: object) -> set[str]:
    """Keys of rules whose values a text names."""
    if not isinstance(value, str) or "rules" not in value:
        return set()
    return {path.split(".")[1] for path in merge_text.paths_in(value) if path.startswith("rules.") and "." in path}


def _behind(place: Place, id: str, other: str) -> Mend:
    def fix(document: Document) -> None:
        _kind, _spot, part = document.find(id) or (None, None, None)
        if part is None:
            return
        document.remove(id)
        ids = [rule.id for rule in document.rules_of(place)]
        document.add(RULE, place, part, ids.index(other) + 1)
        part.after_previous = Rule.After.DONE

    return fix
