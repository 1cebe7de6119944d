"""What settings and conditions name: rows by their ids, what the document holds by its ids there, and all of it by name in texts.

A reference is known by its form field (a choice of a model's rows), so one of a third party's type is too. In texts a row
stands by its natural key (a person by e-mail, all else by name); where that is not the only one, as name#id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from automation.base import Scope, actions, trigger_types
from automation.condition_form import PATH_OF, Readable
from automation.document import RULE, STAGE, Document, Fault, Place, RulePart, StagePart
from automation.models import Rule, RuleSet
from automation.timing import TimingForm
from automation.variables import Variable
from crm.fields.record import Record
from crm.ground.ids import id_of
from crm.models import Pipeline, Stage, User

NUMBERED = re.compile(r"(?P<name>.*)#(?P<id>\d{1,18})", re.DOTALL)
# By which column a model's rows are named in texts; all others by their name.
COLUMNS: dict[type[Model], str] = {User: "email", Variable: "key"}
# A comparison as it is read aloud.
LEAF = ["field", "op", "value", "value_field"]
# Rows that the document holds itself.
INSIDE: tuple[type[Model], ...] = (Rule, RuleSet, Variable)


def type_of(part: Any) -> Any:
    """The installed type of a rule or trigger, or None."""
    return actions.get(part.action) if isinstance(part, RulePart) else trigger_types.get(part.type)


def referring(kind: Any) -> dict[str, type[Model]]:
    """The settings of a type that name rows: {name: model}."""
    chosen = kind.Settings.base_fields if kind is not None else {}
    return {name: rows.model for name, rows in _offered(chosen).items()}


def _offered(fields: Any) -> dict[str, QuerySet[Any]]:
    """Form fields that choose among rows, with those rows."""
    chosen = {name: one for name, one in fields.items() if isinstance(one, forms.ModelChoiceField)}
    return {name: one.queryset for name, one in chosen.items() if one.queryset is not None}


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    return [change(one) for one in value] if isinstance(value, list) else change(value)


# ---------------------------------------------------------------------- within the document


@dataclass
class Inside:
    """Ids of rows and ids in the document, of what the document holds: {model: {row's: document's}}."""

    by_row: dict[type[Model], dict[int, str]] = field(default_factory=lambda: {model: {} for model in INSIDE})

    def know(self, model: type[Model], row: int, id: str) -> None:
        if model in self.by_row:
            self.by_row[model][row] = id

    def inward(self, kind: Any, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings of a row as the document has them; an id of no row stays as it is."""
        return self._with(kind, settings, self.by_row)

    def outward(self, kind: Any, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings of the document as a row has them."""
        back = {model: {id: str(row) for row, id in known.items()} for model, known in self.by_row.items()}
        return self._with(kind, settings, back)

    @staticmethod
    def _with(kind: Any, settings: dict[str, Any], known: dict[type[Model], Any]) -> dict[str, Any]:
        made = dict(settings)
        for name, model in referring(kind).items():
            if name in made and model in known:
                made[name] = _each(made[name], partial(_swapped, known[model]))
        return made


def _swapped(known: dict[Any, str], one: Any) -> Any:
    if isinstance(one, list | dict | bool) or one is None:
        return one
    number = id_of(str(one))
    return known.get(one) or (known.get(number, one) if number is not None else one)


# ---------------------------------------------------------------------- by name, for texts


def column_of(model: type[Model]) -> str:
    """Empty: its rows have no name; they stand as #id."""
    named = COLUMNS.get(model, "name")
    return named if any(one.name == named for one in model._meta.get_fields()) else ""


class Names:
    """Rows by their natural keys, for one text; each is asked for once."""

    def __init__(self) -> None:
        self._names: dict[Any, str] = {}
        self._ids: dict[Any, list[int]] = {}

    def name_of(self, offered: QuerySet[Any], pk: int) -> str:
        """Of one that is gone: #id."""
        key = (offered.model, str(offered.query), pk)
        if key not in self._names:
            self._names[key] = self._asked(offered, pk)
        return self._names[key]

    def _asked(self, offered: QuerySet[Any], pk: int) -> str:
        column = column_of(offered.model)
        row = offered.model._base_manager.filter(pk=pk).first()
        if row is None or not column:
            return f"#{pk}"
        name = str(getattr(row, column))
        return name if self.ids_of(offered, name) == [pk] else f"{name}#{pk}"

    def ids_of(self, offered: QuerySet[Any], name: str) -> list[int]:
        key = (offered.model, str(offered.query), name)
        if key not in self._ids:
            column = column_of(offered.model)
            found = list(offered.filter(**{column: name}).values_list("pk", flat=True)[:20]) if column else []
            self._ids[key] = sorted(set(found))
        return self._ids[key]

    def read(self, offered: QuerySet[Any], text: str) -> int:
        """The id of the row that a text names. Raises ValueError with the sentence."""
        found = self.ids_of(offered, text) or self._loosely(offered, text)
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(f"{text}#{pk}" for pk in found)
            raise ValueError(_("“%(name)s” is the name of several: %(listed)s.") % {"name": text, "listed": listed})
        numbered = NUMBERED.fullmatch(text)
        row = offered.model._base_manager.filter(pk=int(numbered["id"])).first() if numbered else None
        column = column_of(offered.model)
        if numbered and row is not None and numbered["name"] in ("", str(getattr(row, column, ""))):
            return int(row.pk)
        raise ValueError(_("There is no “%s” here.") % text[:80])

    def _loosely(self, offered: QuerySet[Any], text: str) -> list[int]:
        column = column_of(offered.model)
        rows = offered.filter(**{f"{column}__iexact": text.strip()}) if column else offered.none()
        return sorted(set(rows.values_list("pk", flat=True)[:20]))


class Translator:
    """A document of one pipeline between ids and names.

    Args:
        document: whose rules and sets settings may name.
    """

    def __init__(self, pipeline: Pipeline, document: Document) -> None:
        self.pipeline, self.document = pipeline, document
        self.names, self.readable = Names(), Readable(pipeline)
        self.stages = Stage.active.filter(pipeline=pipeline)
        self.faults: list[Fault] = []

    # ------------------------------------------------------------------ to names

    def named(self) -> dict[str, Any]:
        """The document as a text has it: plain data."""
        head = {"format": self.document.format, "pipeline": self.pipeline.name}
        found: dict[str, Any] = head | {name: one for name, one in self.document.plain().items() if name not in head}
        found["stages"] = {
            self.stage_name(key): self._stage_named(Place(STAGE, key), stage)
            for key, stage in self.document.stages.items()
        }
        if self.document.variables:
            found["variables"] = [one.plain() for one in self.document.variables]
        if self.document.sets:
            found["sets"] = {
                key: one.plain() | {"rules": [self.part_named(Place("set", key), part) for part in one.rules]}
                for key, one in self.document.sets.items()
            }
        return found

    def stage_name(self, key: str) -> str:
        number = id_of(key)
        return self.names.name_of(self.stages, number) if number is not None else key

    def _stage_named(self, place: Place, stage: StagePart) -> dict[str, Any]:
        made = stage.plain()
        for name, parts in (("triggers", stage.triggers), ("rules", stage.rules)):
            if parts:
                made[name] = [self.part_named(place, part) for part in parts]
        return made

    def part_named(self, place: Place, part: Any) -> dict[str, Any]:
        """A rule or trigger with all that it names by name."""
        made = _ordered(part)
        for name, offered in self._offers(place, part).items():
            if name in part.settings:
                made["settings"][name] = _each(part.settings[name], partial(self._name, offered))
        if part.condition:
            made["condition"] = self._condition(part.condition, self._name)
        if getattr(part, "change_as", None) is not None:
            made["change_as"] = self._name(User.objects.all(), part.change_as)
        return made

    def _name(self, offered: QuerySet[Any], one: Any) -> Any:
        number = None if isinstance(one, bool | list | dict | float) else id_of(str(one))
        return one if number is None else self.names.name_of(offered, number)

    # ------------------------------------------------------------------ to ids

    def read(self) -> Document:
        """The document, which stood by names, by ids; what is unknown stays as it was and is a fault (`faults`)."""
        made = self.document.copy_of()
        made.pipeline = ""
        made.stages = {}
        for name, stage in self.document.stages.items():
            key = str(self._id(f"stages.{name}", self.stages, name))
            if key in made.stages:
                self.faults.append(Fault(f"stages.{name}", _("This stage is there twice.")))
                key = f"{key} {name}"
            made.stages[key] = stage.model_copy(deep=True)
        for kind, spot, part in made.placed():
            where = f"{spot.place.path}.{kind}s.{part.id}"
            for name, offered in self._offers(spot.place, part).items():
                if name in part.settings:
                    read = partial(self._id, f"{where}.settings.{name}", offered)
                    part.settings[name] = _each(_each(part.settings[name], read), _kept)
            part.condition = self._condition(part.condition, partial(self._id, f"{where}.condition"))
            if kind != RULE and part.change_as is not None:
                part.change_as = self._id(f"{where}.change_as", User.objects.all(), part.change_as)
        return made

    def _id(self, where: str, offered: QuerySet[Any], one: Any) -> Any:
        if not isinstance(one, str) or not one:
            return one
        try:
            return self.names.read(offered, one)
        except ValueError as error:
            self.faults.append(Fault(where, str(error)))
            numbered = NUMBERED.fullmatch(one)
            return int(numbered["id"]) if numbered and not numbered["name"] else one

    # ------------------------------------------------------------------ both

    def _offers(self, place: Place, part: Any) -> dict[str, QuerySet[Any]]:
        """Which rows each reference of its settings may name, of those outside the document."""
        kind = type_of(part)
        if not any(model not in INSIDE for model in referring(kind).values()):
            return {}
        form = kind.Settings(scope=self.scope(place))
        return {name: rows for name, rows in _offered(form.fields).items() if rows.model not in INSIDE}

    def scope(self, place: Place) -> Scope:
        """A stage or set of the pipeline, for forms that ask whose they are."""
        stands = Stage(pipeline=self.pipeline) if place.kind == STAGE else RuleSet(pipeline=self.pipeline)
        return Scope(place=stands)

    def named_user(self, pk: Any) -> str:
        return str(self._name(User.objects.all(), pk))

    def _condition(self, tree: Any, change: Callable[[QuerySet[Any], Any], Any]) -> Any:
        if isinstance(tree, list):
            return [self._condition(one, change) for one in tree]
        if not isinstance(tree, dict):
            return tree
        path = str(tree.get("field") or PATH_OF.get(str(tree.get("op", "")), ""))
        kind = self.readable.type_of(path) if "op" in tree else None
        if isinstance(kind, Record) and "value" in tree:
            offered = self.stages if issubclass(kind.rows().model, Stage) else kind.rows()
            tree = tree | {"value": _each(tree["value"], partial(change, offered))}
            return {name: tree[name] for name in sorted(tree, key=lambda one: _at(LEAF, one))}
        return {name: self._condition(tree[name], change) for name in sorted(tree, key=lambda one: _at(LEAF, one))}


def _ordered(part: Any) -> dict[str, Any]:
    """Plain data whose order says nothing of how the database keeps objects: PostgreSQL orders their keys by length."""
    made: dict[str, Any] = part.plain()
    kind = type_of(part)
    orders = {
        "settings": list(kind.Settings.base_fields) if kind is not None else [],
        "timing": list(TimingForm.base_fields),
    }
    for name, order in orders.items():
        if name in made:
            made[name] = {one: made[name][one] for one in sorted(made[name], key=lambda one: (_at(order, one), one))}
    return made


def _at(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _kept(one: Any) -> Any:
    """As forms keep an id."""
    return str(one) if isinstance(one, int) and not isinstance(one, bool) else one
