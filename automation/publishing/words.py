"""A comparison in words: what changes, field by field, in the reader's language."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automation.base import bind
from automation.condition_words import condition_words
from automation.document import SET, STAGE, Document, Place, RulePart, Spot, TriggerPart
from automation.models import Rule, Trigger
from automation.publishing.comparing import ADDED, MOVED, REMOVED, TAKEN, VARIABLE, Change
from automation.publishing.references import Translator, type_of
from automation.timing import timing_words
from automation.variables import Variable
from crm.models import Pipeline

WHAT: dict[str, Any] = {
    "rule": gettext_lazy("Rule"),
    "trigger": gettext_lazy("Trigger"),
    SET: gettext_lazy("Rule set"),
    VARIABLE: gettext_lazy("Variable"),
}
SENTENCES: dict[str, Any] = {
    ADDED: gettext_lazy("%(what)s “%(name)s” is added%(where)s"),
    REMOVED: gettext_lazy("%(what)s “%(name)s” is removed%(where)s"),
    MOVED: gettext_lazy("%(what)s “%(name)s” is moved%(where)s"),
    "changed": gettext_lazy("%(what)s “%(name)s” is changed%(where)s"),
    TAKEN: gettext_lazy("%(what)s “%(name)s” is taken over%(where)s"),
}
MOST = 200  # characters of a value that are shown


@dataclass
class Line:
    """One change.

    Args:
        sentence: "Rule “SMS” is changed in “New”".
        details: (what, before, after) each, "–" for nothing.
        gives: whether who publishes it answers for it from then on.
    """

    change: Change
    sentence: str
    details: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def gives(self) -> bool:
        return self.change.gives

    def __str__(self) -> str:
        told = [f"    {what}: {before} → {after}" for what, before, after in self.details]
        return "\n".join([self.sentence, *told])


class Words:
    """Of two documents of one pipeline."""

    def __init__(self, pipeline: Pipeline, old: Document, new: Document) -> None:
        self.old, self.new = Translator(pipeline, old), Translator(pipeline, new)

    def lines(self, changes: list[Change]) -> list[Line]:
        return [self.line(change) for change in changes]

    def line(self, change: Change) -> Line:
        part = change.after or change.before
        name = getattr(part, "name", "") or getattr(part, "label", "") or change.id
        words = {"what": WHAT[change.what], "name": name, "where": self._where(change)}
        made = Line(change, SENTENCES[change.verb] % words)
        if change.before is not None and change.after is not None:
            made.details = [row for name in change.fields for row in self._details(change, name)]
        if change.follows_other and change.spot is not None:
            made.details.append((_("follows"), self._name(change.old_spot), self._name(change.spot)))
        return made

    def _where(self, change: Change) -> str:
        here, there = change.spot, change.old_spot
        if here is not None and there is not None and here.place != there.place:
            return _(": from “%(old)s” to “%(new)s”") % {
                "old": self._place(there.place),
                "new": self._place(here.place),
            }
        spot = here or there
        return _(" in “%s”") % self._place(spot.place) if spot is not None else ""

    def _place(self, place: Place) -> str:
        if place.kind == STAGE:
            return self.new.stage_name(place.key)
        known = self.new.document.sets.get(place.key) or self.old.document.sets.get(place.key)
        return known.name if known is not None else place.key

    def _name(self, spot: Spot | None) -> str:
        before = spot.before if spot is not None else ""
        found = self.new.document.find(before) or self.old.document.find(before)
        return str(found[2].name) if found is not None else "–"

    # ------------------------------------------------------------------ fields

    def _details(self, change: Change, name: str) -> list[tuple[str, str, str]]:
        if name == "settings":
            return self._settings(change)
        sides = (self.old, change.before), (self.new, change.after)
        if name == "condition":
            told = [condition_words(part.condition, side.readable) or "–" for side, part in sides]
            return [(_("only if"), told[0], told[1])]
        if name == "timing":
            return [(_("when"), timing_words(change.before.timing), timing_words(change.after.timing))]
        shown = [self._plain(change, name, getattr(part, name, part.extra.get(name))) for _side, part in sides]
        return [(self._label(change, name), shown[0], shown[1])]

    def _label(self, change: Change, name: str) -> str:
        model: Any = {"rule": Rule, "trigger": Trigger, VARIABLE: Variable}.get(change.what, Rule)
        known = {one.name for one in model._meta.get_fields()}
        return str(model._meta.get_field(name).verbose_name) if name in known else name

    def _plain(self, change: Change, name: str, value: Any) -> str:
        model: Any = {"rule": Rule, "trigger": Trigger, VARIABLE: Variable}.get(change.what, Rule)
        column = next((one for one in model._meta.concrete_fields if one.name == name), None)
        choices = dict(column.flatchoices) if column is not None else {}
        if name == "change_as" and value is not None:
            return self.new.named_user(value)
        return shown(choices.get(value, value))

    def _settings(self, change: Change) -> list[tuple[str, str, str]]:
        before, after = change.before, change.after
        kind = type_of(after)
        told = [
            side.part_named((spot or Spot(Place(STAGE, ""), "")).place, part).get("settings", {})
            for side, spot, part in ((self.old, change.old_spot, before), (self.new, change.spot, after))
        ]
        fields = self._fields(kind, change)
        rows = []
        for name in dict.fromkeys((*told[0], *told[1])):
            old, new = (_choice(fields.get(name), one.get(name)) for one in told)
            if told[0].get(name) != told[1].get(name):
                rows.append((str(getattr(fields.get(name), "label", None) or name), old, new))
        return rows

    def _fields(self, kind: Any, change: Change) -> dict[str, Any]:
        if kind is None or change.spot is None:
            return {}
        part: RulePart | TriggerPart = change.after
        fields: dict[str, Any] = bind(kind.Settings, part.settings, self.new.scope(change.spot.place)).fields
        return fields


def _choice(field: Any, value: Any) -> str:
    """Of a fixed list the words."""
    rows = getattr(field, "choices", ()) if not hasattr(field, "queryset") else ()
    named = {str(key): str(label) for key, label in rows if not isinstance(label, list | tuple)}
    several = value if isinstance(value, list) else [value]
    return ", ".join(shown(named.get(str(one), one)) for one in several) or "–"


def shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= MOST else f"{text[:MOST]} …"
