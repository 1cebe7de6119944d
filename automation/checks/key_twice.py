"""Two rules of one place under the same key: nobody could tell whose results a text reads."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, Mend, checks
from automation.document import Document, Place
from automation.publishing.keys import free_key


@checks.register
class KeyTwice(Check):
    key = "key_twice"
    label = _("The same key twice")
    level = ERROR
    fix_label = _("Give it a key of its own")

    def look(self, checked: Checked) -> Iterator[Finding]:
        for place, one in checked.document.places():
            seen: set[str] = set()
            for rule in one.rules:
                if rule.key and rule.key in seen:
                    words = _now("Two rules here have the key “%s”.") % rule.key
                    yield self.found(f"{place.path}.rules.{rule.id}.key", words, _renamed(place, rule.id))
                seen.add(rule.key)


def _renamed(place: Place, id: str) -> Mend:
    def fix(document: Document) -> None:
        rules = document.rules_of(place)
        for rule in rules:
            if rule.id == id:
                rule.key = free_key(rule.key, (other.key for other in rules if other is not rule))

    return fix
