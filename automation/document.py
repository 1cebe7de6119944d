"""A pipeline's automation as one document: plain data, written down once, whatever door it comes through.

Rules, triggers and sets have ids that stay with them over publications, texts and restores. References stand as ids of rows,
but those to what the document holds itself (rules, sets, variables) stand as their ids in it; texts for people name them all
(automation/publishing/references.py). What this version does not know of is kept, and shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic import ValidationError as Unreadable

FORMAT = 1
RULE, TRIGGER = "rule", "trigger"
STAGE, SET = "stage", "set"
# Beside a part's condition: what was typed and cannot be read yet. It keeps the part from going live.
UNREAD = "condition_typed"
MOST_DEPTH = 40  # of what is nested in it, its own levels too
MOST_SETS = 300
MOST_PLACED = 6000  # rules and triggers of one document


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where.

    Args:
        place: path in the document, "stages.12.rules.sms.settings.text"; empty: the whole.
        sentence: in the reader's language.
    """

    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}" if self.place else self.sentence


class Faulty(Exception):
    """The document cannot be used as it is."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def by_place(faults: list[Fault]) -> dict[str, list[str]]:
    """Their sentences by where they are, as the API tells them."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        found.setdefault(fault.place, []).append(fault.sentence)
    return found


class Part(BaseModel):
    """Keys that it does not know are kept as they are (`extra`)."""

    model_config = ConfigDict(extra="allow")

    @property
    def extra(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    def plain(self) -> dict[str, Any]:
        """As JSON, without what stands at its default; what is not known of comes last, by name."""
        made = self.model_dump(exclude_defaults=True)
        return {
            name: made[name]
            for name in sorted(made, key=lambda one: (one in self.extra, one if one in self.extra else ""))
        }


class Placed(Part):
    """What rules and triggers have alike. `is_enabled` counts for new ones only: later the switch lives beside the document."""

    id: str = Field(min_length=1, max_length=60)
    name: str = Field(default="", max_length=120)
    settings: dict[str, JsonValue] = {}
    condition: dict[str, JsonValue] = {}
    note: str = Field(default="", max_length=10_000)
    is_enabled: bool = True


class RulePart(Placed):
    """A rule; `key`: under which later texts read its values."""

    action: str = Field(max_length=60)
    key: str = Field(default="", max_length=40)
    timing: dict[str, JsonValue] = {}
    after_previous: str = Field(default="", max_length=5)
    repeat: str = Field(default="every", max_length=5)
    repeat_days: int = 30
    on_leave: str = Field(default="cancel", max_length=6)
    hourly_limit: int = 1000
    retry_hours: int = 24


class TriggerPart(Placed):
    """A trigger; `change_as`: the id of who is shown, None: the card's owner."""

    type: str = Field(max_length=60)
    allow_moving_back: bool = False
    change_as: int | str | None = None
    concerns: str = Field(default="newest", max_length=6)
    override: bool = False


class StagePart(Part):
    triggers: list[TriggerPart] = []
    rules: list[RulePart] = []


class SetPart(Part):
    name: str = Field(default="", max_length=80)
    note: str = Field(default="", max_length=10_000)
    rules: list[RulePart] = []


class VariablePart(Part):
    """A variable of this pipeline's visits or cards; those of the company are edited apart."""

    key: str = Field(min_length=1, max_length=40)
    label: str = Field(default="", max_length=80)
    type: str = Field(default="text", max_length=10)
    scope: str = Field(default="item", max_length=8)
    value: JsonValue = None


@dataclass(frozen=True)
class Place:
    """Where rules or triggers stand: a stage (by its row's id) or a set (by its id in the document)."""

    kind: str
    key: str

    @property
    def path(self) -> str:
        return f"{self.kind}s.{self.key}"


@dataclass(frozen=True)
class Spot:
    """Where one stands: its place, and the one before it there (empty: it is the first)."""

    place: Place
    before: str


class Document(Part):
    """The whole. `stages` by the ids of their rows as texts, `sets` by their own ids; the order of lists is the order there."""

    format: int = FORMAT
    pipeline: str = ""
    # The version that it was made from: what went live since is merged in by ids. 0: it stands for itself.
    version: int = 0
    stages: dict[str, StagePart] = {}
    sets: dict[str, SetPart] = {}
    variables: list[VariablePart] = []
    # Kept for the rehearsal of a later format; nothing reads them yet.
    tests: list[JsonValue] = []

    # ------------------------------------------------------------------ read

    @classmethod
    def parse(cls, data: Any) -> Self:
        """From plain data. Raises Faulty: another format, something of another shape, the same id twice."""
        if _is_too_deep(data):
            raise Faulty([Fault("", _("It is nested too deeply."))])
        if not isinstance(data, dict):
            raise Faulty([Fault("", _("A document is an object with format, stages, sets and variables."))])
        found = data.get("format", FORMAT)
        if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= FORMAT:
            words = _("It is written in format %(found)s; this version reads up to %(known)s.")
            raise Faulty([Fault("format", words % {"found": str(found)[:20], "known": FORMAT})])
        try:
            made = cls.model_validate(data)
        except Unreadable as error:
            raise Faulty([Fault(_path(one["loc"], data), _sentence(one)) for one in error.errors()[:50]]) from error
        made._check_ids()
        return made

    def _check_ids(self) -> None:
        seen: set[str] = set()
        faults = []
        for _kind, spot, part in self.placed():
            if part.id in seen:
                faults.append(Fault(f"{spot.place.path}.{part.id}", _("The id “%s” is there twice.") % part.id))
            seen.add(part.id)
        keys: set[str] = set()
        for one in self.variables:
            if one.key in keys:
                faults.append(Fault(f"variables.{one.key}", _("The id “%s” is there twice.") % one.key))
            keys.add(one.key)
        if len(self.sets) > MOST_SETS or len(self.variables) > MOST_SETS:
            faults.append(Fault("", _("A document holds %d rule sets and as many variables at most.") % MOST_SETS))
        if len(seen) > MOST_PLACED:
            faults.append(Fault("", _("A document holds %d rules and triggers at most.") % MOST_PLACED))
        if faults:
            raise Faulty(faults)

    def copy_of(self) -> Self:
        """Another one, to be changed apart."""
        return self.model_copy(deep=True)

    # ------------------------------------------------------------------ looked through

    def places(self) -> Iterator[tuple[Place, StagePart | SetPart]]:
        for key, stage in self.stages.items():
            yield Place(STAGE, key), stage
        for key, one in self.sets.items():
            yield Place(SET, key), one

    def lists(self) -> Iterator[tuple[str, Place, list[Any]]]:
        """Each list of triggers and of rules, with what it is of."""
        for place, found in self.places():
            if isinstance(found, StagePart):
                yield TRIGGER, place, found.triggers
            yield RULE, place, found.rules

    def placed(self) -> Iterator[tuple[str, Spot, Any]]:
        """Each trigger and rule: which of both, where it stands, itself."""
        for kind, place, parts in self.lists():
            before = ""
            for part in parts:
                yield kind, Spot(place, before), part
                before = part.id

    def find(self, id: str) -> tuple[str, Spot, Any] | None:
        return next((found for found in self.placed() if found[2].id == id), None)

    def rules_of(self, place: Place) -> list[RulePart]:
        found = (self.stages if place.kind == STAGE else self.sets).get(place.key)
        return found.rules if found is not None else []

    # ------------------------------------------------------------------ changed

    def list_of(self, kind: str, place: Place) -> list[Any]:
        """The list itself; of a stage that had none, a new one. Raises KeyError for a set that is not there, or a trigger in one."""
        if place.kind == STAGE:
            stage = self.stages.setdefault(place.key, StagePart())
            return stage.triggers if kind == TRIGGER else stage.rules
        if kind == TRIGGER:
            raise KeyError(place.key)
        return self.sets[place.key].rules

    def add(self, kind: str, place: Place, part: Placed, index: int | None = None) -> None:
        """At the end, or before the one at `index`. Raises ValueError for an id that is there, KeyError as `list_of`."""
        if self.find(part.id) is not None:
            raise ValueError(part.id)
        parts = self.list_of(kind, place)
        parts.insert(len(parts) if index is None else index, part)

    def remove(self, id: str) -> tuple[str, Place, int]:
        """Returns what it was and where it stood. Raises KeyError."""
        for kind, place, parts in self.lists():
            for index, part in enumerate(parts):
                if part.id == id:
                    del parts[index]
                    return kind, place, index
        raise KeyError(id)

    def replace(self, part: Placed) -> None:
        """The one of this id becomes this. Raises KeyError."""
        for _kind, _place, parts in self.lists():
            for index, known in enumerate(parts):
                if known.id == part.id:
                    parts[index] = part
                    return
        raise KeyError(part.id)

    def move(self, id: str, place: Place, index: int | None = None) -> None:
        """`index`: among those that stand there without it. Raises KeyError."""
        found = self.find(id)
        if found is None:
            raise KeyError(id)
        kind, _spot, part = found
        self.list_of(kind, place)
        self.remove(id)
        self.add(kind, place, part, index)

    def free_id(self, base: str, taken: set[str] | None = None) -> str:
        """An id that nobody has, from a word. `taken`: by those that stand in it no more."""
        used = {part.id for _kind, _spot, part in self.placed()} | set(self.sets) | (taken or set())
        return free(base, used)


def _is_too_deep(data: Any) -> bool:
    """Looked at without recursion: that is what it guards."""
    level = [data]
    for _depth in range(MOST_DEPTH):
        level = [
            one
            for part in level
            for one in (part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
            if isinstance(one, dict | list)
        ]
        if not level:
            return False
    return True


def free(base: str, used: set[str]) -> str:
    stem = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in base.lower()).strip("-")[:50]
    # By a letter first: a number would be taken for the id of a row.
    stem = stem if stem and stem[0].isalpha() else f"x-{stem}".rstrip("-")
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, len(used) + 3))) if name not in used)


def _path(loc: tuple[Any, ...], data: Any) -> str:
    """Lists by the ids of what stands in them: a place that is found again."""
    steps = []
    for step in loc:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        named = data.get("id") or data.get("key") if isinstance(step, int) and isinstance(data, dict) else None
        steps.append(str(named or step)[:60])
    return ".".join(steps)


_WORDS = {
    "missing": lambda one: _("This is needed."),
    "string_too_long": lambda one: _("At most %d characters.") % one["ctx"]["max_length"],
    "string_too_short": lambda one: _("This is needed."),
    "string_type": lambda one: _("A text is needed here."),
    "int_type": lambda one: _("A whole number is needed here."),
    "int_parsing": lambda one: _("A whole number is needed here."),
    "bool_type": lambda one: _("Here it is yes or no (true, false)."),
    "bool_parsing": lambda one: _("Here it is yes or no (true, false)."),
    "list_type": lambda one: _("A list is needed here."),
    "dict_type": lambda one: _("An object is needed here."),
    "model_type": lambda one: _("An object is needed here."),
}


def _sentence(one: Any) -> str:
    words = _WORDS.get(one["type"])
    return words(one) if words else _("It has a value that cannot be read.")
