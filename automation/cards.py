"""What the designer shows of a document: columns of cards that read like sentences. Few queries, whatever the number of rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from automation.base import MissingAction, actions, trigger_types
from automation.condition_form import Readable
from automation.condition_words import condition_words
from automation.document import RULE, SET, STAGE, TRIGGER, Document, Place, RulePart, TriggerPart
from automation.publishing.comparing import ADDED, compare
from automation.publishing.rows import Live
from automation.rough import Rough
from automation.timing import timing_words


@dataclass
class Card:
    """One rule or trigger.

    Args:
        what: one line of what it does, from its settings.
        chained: it follows the one above it.
        is_on: as it is live; of a new one as it will be.
        state: "" (as it is live), "new", "changed".
    """

    kind: str
    part: Any
    icon: str
    label: str
    when: str
    only_if: str
    what: str
    chained: bool
    is_on: bool
    is_new: bool
    state: str
    paused: Any = ""


@dataclass
class Column:
    """A stage or a rule set. `is_gone`: its stage is not there any more."""

    place: Place
    name: str
    colour: str = "grey"
    is_gone: bool = False
    triggers: list[Card] = field(default_factory=list)
    rules: list[Card] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.place.kind}-{self.place.key}"


def columns_of(live: Live, document: Document, against: Document | None = None) -> list[Column]:
    """Stages in their order, then what stands on a stage that is gone, then sets.

    Args:
        against: what its cards are marked by as new and changed; None: what is live.
    """
    cards = _Cards(live, document, against)
    found = []
    for key, stage in live.stages.items():
        part = document.stages.get(key)
        holds = part is not None and (part.rules or part.triggers)
        if stage.retired and not holds:
            continue
        column = Column(Place(STAGE, key), stage.name, stage.colour, stage.retired)
        if part is not None:
            column.triggers = [cards.card(TRIGGER, one) for one in part.triggers]
            column.rules = [cards.card(RULE, one) for one in part.rules]
        found.append(column)
    for key in set(document.stages) - set(live.stages):
        part = document.stages[key]
        if part.rules or part.triggers:
            rules, triggers = (
                [cards.card(kind, one) for one in parts]
                for kind, parts in ((RULE, part.rules), (TRIGGER, part.triggers))
            )
            found.append(Column(Place(STAGE, key), _("no longer there"), "grey", True, triggers, rules))
    for key, one in document.sets.items():
        found.append(
            Column(Place(SET, key), one.name or key, "grey", False, [], [cards.card(RULE, r) for r in one.rules])
        )
    return found


class _Cards:
    def __init__(self, live: Live, document: Document, against: Document | None) -> None:
        self.live, self.document, self.against = live, document, against
        known: list[Any] = [*document.variables, *live.shared]
        variables = [(f"vars.{one.key}", one.label, one.type) for one in known]
        stages = [(key, stage.name) for key, stage in live.stages.items() if not stage.retired]
        self.readable = Readable(live.pipeline, variables, stages)
        self.rough = Rough(document)
        self.verbs = {change.id: change.verb for change in compare(against or live.document, document)}

    def card(self, kind: str, part: RulePart | TriggerPart) -> Card:
        own = part.action if isinstance(part, RulePart) else part.type
        found: Any = (actions if kind == RULE else trigger_types).get(own)
        row: Any = self.live.rows_of(kind).get(part.id)
        is_new = row is None or row.retired
        return Card(
            kind,
            part,
            found.icon if found is not None else MissingAction.icon,
            str(found.label) if found is not None else _("“%s” is not installed.") % own,
            _when(part) if isinstance(part, RulePart) else "",
            condition_words(part.condition, self.readable),
            self._what(found, part) if found is not None else "",
            isinstance(part, RulePart) and bool(part.after_previous),
            part.is_enabled if is_new else row.is_enabled,
            is_new,
            self._state(part.id, is_new),
            getattr(row, "paused_because", "") if row is not None and getattr(row, "paused_at", None) else "",
        )

    def _state(self, id: str, is_new: bool) -> str:
        added = is_new if self.against is None else self.verbs.get(id) == ADDED
        return "new" if added else "changed" if id in self.verbs else ""

    def _what(self, found: Any, part: Any) -> str:
        """From settings as they are, faulty ones too: without the form's own look-ups."""
        try:
            return str(found().summary(self.rough.settings(found, part.settings)))
        except Exception:  # a third party's summary of settings that no form has judged
            return ""


def _when(part: RulePart) -> str:
    return timing_words(part.timing)
