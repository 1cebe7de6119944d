"""A text that reads what a later rule gives: when it is written, that rule has not run."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, Mend, checks, every_comparison, name_of
from automation.document import RULE, Document, Place, RulePart
from automation.models import Rule
from automation.publishing import chains
from crm.messages import merge_text


@checks.register
class LaterOutput(Check):
    key = "later_output"
    label = _("It reads what a later rule gives")
    level = ERROR
    fix_label = _("Put it behind that rule")
    instead = True

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rule in checked.seen:
            if rule.kind != RULE:
                continue
            place, earlier = rule.spot.place, {part.key for part in checked.before(rule)}
            later = {part.key: part for part in checked.document.rules_of(place) if part.key not in earlier}
            for name, read in _read_by(rule.part):
                for key in sorted(read & later.keys() - {rule.part.key}):
                    words = _now("It reads what “%s” gives, which stands behind it.") % name_of(later[key])
                    yield self.found(f"{rule.path}.{name}", words, _behind(place, rule.part.id, later[key].id))


def _read_by(part: RulePart) -> Iterator[tuple[str, set[str]]]:
    """Keys of rules whose values it names: by its texts, by its condition."""
    for name, value in part.settings.items():
        if isinstance(value, str) and "rules" in value:
            yield f"settings.{name}", _keys(merge_text.paths_in(value))
    comparisons = list(every_comparison(part.condition))
    yield "condition", _keys({str(leaf.get(name) or "") for leaf in comparisons for name in ("field", "value_field")})


def _keys(paths: set[str]) -> set[str]:
    return {path.split(".")[1] for path in paths if path.startswith("rules.") and path.count(".")}


def _behind(place: Place, id: str, other: str) -> Mend:
    def fix(document: Document) -> None:
        part, _place = chains.take_out(document, id)
        chains.put_behind(document, place, part, other)
        part.after_previous = Rule.After.DONE

    return fix
