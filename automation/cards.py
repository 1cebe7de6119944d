"""What the designer shows of a document: columns of cards that read like sentences. Few queries, whatever the number of rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.apps import apps
from django.db.models import Model
from django.utils.translation import gettext as _

from automation.base import MissingAction, actions, trigger_types
from automation.condition_form import Readable
from automation.condition_words import condition_words
from automation.document import RULE, SET, STAGE, TRIGGER, Document, Place, RulePart, TriggerPart
from automation.models import Rule, RuleSet
from automation.publishing.comparing import compare
from automation.publishing.references import referring, type_of
from automation.publishing.rows import Live
from automation.timing import Timing
from crm.ground.ids import id_of
from crm.models import Pipeline


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


def columns_of(live: Live, document: Document) -> list[Column]:
    """Stages in their order, then what stands on a stage that is gone, then sets."""
    cards = _Cards(live, document)
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
    def __init__(self, live: Live, document: Document) -> None:
        self.live, self.document = live, document
        known: list[Any] = [*document.variables, *live.shared]
        variables = [(f"vars.{one.key}", one.label, one.type) for one in known]
        stages = [(key, stage.name) for key, stage in live.stages.items() if not stage.retired]
        self.readable = Readable(live.pipeline, variables, stages)
        self.rows = _named_rows(live.pipeline, document)
        self.verbs = {change.id: change.verb for change in compare(live.document, document)}

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
            "new" if is_new else "changed" if part.id in self.verbs else "",
            getattr(row, "paused_because", "") if row is not None and getattr(row, "paused_at", None) else "",
        )

    def _what(self, found: Any, part: Any) -> str:
        """From settings as they are, faulty ones too: without the form's own look-ups."""
        try:
            return str(found().summary(_loosely(found, part.settings, self.rows)))
        except Exception:  # a third party's summary of settings that no form has judged
            return ""


def _when(part: RulePart) -> str:
    try:
        return Timing.of(part.timing).words()
    except (ValueError, TypeError):
        return "?"


Rows = dict[type[Model], dict[Any, Any]]


def _named_rows(pipeline: Pipeline, document: Document) -> Rows:
    """All rows that settings name, one query a model."""
    ids: dict[type[Model], set[int]] = {}
    for _kind, _spot, part in document.placed():
        for name, model in referring(type_of(part)).items():
            value = part.settings.get(name)
            several = value if isinstance(value, list) else [value]
            ids.setdefault(model, set()).update(pk for one in several if (pk := id_of(str(one))) is not None)
    found: Rows = {
        model: apps.get_model(model._meta.label)._base_manager.in_bulk(pks) for model, pks in ids.items() if pks
    }
    found.setdefault(RuleSet, {}).update({id: one.name for id, one in document.sets.items()})
    found.setdefault(Rule, {}).update({part.id: part.name for kind, _spot, part in document.placed() if kind == RULE})
    return found


def _loosely(found: Any, settings: dict[str, Any], rows: Rows) -> dict[str, Any]:
    """Something like the form's cleaned data: rows for their ids, lists for choices of many, nothing for what is empty."""
    made: dict[str, Any] = {}
    for name, one in found.Settings.base_fields.items():
        value = settings.get(name)
        if isinstance(one, forms.ModelMultipleChoiceField):
            made[name] = [row for row in (_row(rows, one, v) for v in value or []) if row is not None]
        elif isinstance(one, forms.ModelChoiceField):
            made[name] = _row(rows, one, value)
        elif isinstance(one, forms.MultipleChoiceField):
            made[name] = value if isinstance(value, list) else [value] if value else []
        elif isinstance(one, forms.IntegerField):
            made[name] = id_of(str(value)) if value not in (None, "") else None
        else:
            made[name] = value if value is not None else ""
    return made | {name: value for name, value in settings.items() if name not in made}


def _row(rows: Rows, one: Any, value: Any) -> Any:
    known = rows.get(one.queryset.model, {})
    return known.get(value) or known.get(id_of(str(value)))
