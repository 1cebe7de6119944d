"""Checks of a document: what is wrong with it, what probably is, and what could be better. One class each (automation/checks/).

Errors keep a document from going live, at whatever door; warnings and hints are shown beside the rule. Third parties register
their own by the same door as actions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from automation.base import action_of, actions, trigger_types
from automation.condition_form import Readable
from automation.document import RULE, STAGE, TRIGGER, Document, Fault, RulePart, Spot, TriggerPart
from automation.publishing.comparing import compare
from automation.publishing.rows import Live
from automation.rough import Rough
from automation.timing import DELAY, NOW, Timing
from crm.messages import merge_text
from crm.models import Channel, Medium, User
from crm.pipelines.machine import Machine, machine_of
from crm.registry import Registry

log = logging.getLogger(__name__)

ERROR, WARNING, HINT = "error", "warning", "hint"
LEVELS = (ERROR, WARNING, HINT)
# By what of the customer a rule writes to.
MEDIA = {"email": Medium.EMAIL, "phone": Medium.SMS}
Mend = Callable[[Document], None]


@dataclass(frozen=True)
class Finding(Fault):
    """What a check has found.

    Args:
        fix: does to the document what one click mends; None: a person has to say how. fix_label: what the button says.
        instead: it says better what a form says at the same place.
    """

    check: str = ""
    level: str = ERROR
    fix: Mend | None = field(default=None, compare=False, repr=False)
    fix_label: str = ""
    instead: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Seen:
    """A rule or trigger under check: of which kind, where, the part, its installed type, its settings roughly cleaned."""

    kind: str
    spot: Spot
    part: Any
    type: Any
    settings: dict[str, Any]

    @property
    def path(self) -> str:
        return f"{self.spot.place.path}.{self.kind}s.{self.part.id}"

    def asked(self, name: str, otherwise: Any) -> Any:
        """What its action says of itself by one of the methods that checks ask; a third party's that breaks says `otherwise`."""
        try:
            return getattr(self.type(), name)(self.settings)
        except Exception:
            log.exception("%s of %s", name, self.type.__name__)
            return otherwise

    @property
    def moves_to(self) -> Any:
        return self.asked("moves_to", None)

    @property
    def leaves(self) -> bool:
        return bool(self.asked("leaves", False))

    @property
    def writes_to(self) -> str:
        return str(self.asked("writes_to", ""))


class Checked:
    """A document and what checks ask of it.

    Args:
        by: who would publish it; None: nobody, rights are not asked.
        given: ids of what its publisher would answer for; None: of what differs from what is live.
    """

    def __init__(self, live: Live, document: Document, by: User | None, given: set[str] | None = None) -> None:
        self.live, self.document, self.by, self._given = live, document, by, given
        self._defaults: dict[str, Channel | None] = {}

    @cached_property
    def machine(self) -> Machine:
        return machine_of(self.live.pipeline.pk)

    @cached_property
    def readable(self) -> Readable:
        known: list[Any] = [*self.document.variables, *self.live.shared]
        return Readable(self.live.pipeline, [(f"vars.{one.key}", one.label, one.type) for one in known])

    @cached_property
    def rough(self) -> Rough:
        return Rough(self.document)

    @cached_property
    def given(self) -> set[str]:
        """Ids of what its publisher would answer for."""
        if self._given is not None:
            return self._given
        return {change.id for change in compare(self.live.document, self.document) if change.gives}

    @cached_property
    def seen(self) -> list[Seen]:
        """All whose type is installed, those that are off too."""
        registries: dict[str, Any] = {RULE: actions, TRIGGER: trigger_types}
        found = []
        for kind, spot, part in self.document.placed():
            type_ = registries[kind].get(part.action if kind == RULE else part.type)
            if type_ is not None:
                found.append(Seen(kind, spot, part, type_, self.rough.settings(type_, part.settings)))
        return found

    def is_on(self, seen: Seen) -> bool:
        """As it is live; of a new one as it will be."""
        row: Any = self.live.rows_of(seen.kind).get(seen.part.id)
        return bool(seen.part.is_enabled if row is None or row.retired else row.is_enabled)

    @cached_property
    def rules(self) -> list[Seen]:
        """Those that are on."""
        return [one for one in self.seen if one.kind == RULE and self.is_on(one)]

    @cached_property
    def triggers(self) -> list[Seen]:
        return [one for one in self.seen if one.kind == TRIGGER and self.is_on(one)]

    def by_stage(self) -> dict[str, list[Seen]]:
        """Rules that are on, by their stage, in their order."""
        found: dict[str, list[Seen]] = {}
        for rule in self.rules:
            if rule.spot.place.kind == STAGE:
                found.setdefault(rule.spot.place.key, []).append(rule)
        return found

    @cached_property
    def _parts(self) -> dict[str, Any]:
        return {part.id: part for _kind, _spot, part in self.document.placed()}

    def previous(self, rule: Seen) -> RulePart | None:
        """The rule that stands before it at its place."""
        found: RulePart | None = self._parts.get(rule.spot.before)
        return found

    def channel_of(self, rule: Seen) -> Channel | None:
        """Through which it would write to the customer: the chosen one, else its medium's default."""
        chosen = rule.settings.get("channel")
        if isinstance(chosen, Channel):
            return chosen
        medium = MEDIA[rule.writes_to]
        if medium not in self._defaults:
            self._defaults[medium] = Channel.default_for(medium)
        return self._defaults[medium]

    def stage_name(self, key: str) -> str:
        stage = self.live.stages.get(key)
        return stage.name if stage is not None else key


def together(tree: Any) -> Iterator[dict[str, Any]]:
    """Comparisons of a condition that all have to hold for the whole to hold."""
    if not isinstance(tree, dict):
        return
    if isinstance(tree.get("all"), list):
        for part in tree["all"]:
            yield from together(part)
    elif "field" in tree:
        yield tree


def every_comparison(tree: Any) -> Iterator[dict[str, Any]]:
    """All of them, however they stand together."""
    if isinstance(tree, list):
        for part in tree:
            yield from every_comparison(part)
    elif isinstance(tree, dict):
        if "field" in tree:
            yield tree
        for glue in ("all", "any", "not"):
            yield from every_comparison(tree.get(glue))


def rules_read_by(part: RulePart) -> Iterator[tuple[str, set[str]]]:
    """Keys of rules whose values it names: by its texts, by its condition."""
    for name, value in part.settings.items():
        if isinstance(value, str) and "rules" in value:
            yield f"settings.{name}", _keys(merge_text.paths_in(value))
    comparisons = list(every_comparison(part.condition))
    if comparisons:
        yield (
            "condition",
            _keys({str(leaf.get(name) or "") for leaf in comparisons for name in ("field", "value_field")}),
        )


def _keys(paths: set[str]) -> set[str]:
    return {path.split(".")[1] for path in paths if path.startswith("rules.") and path.count(".")}


# Roughly, for comparing delays: working time is counted as eight hours of a day, five days of seven.
SECONDS = {
    "seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800, "months": 2_592_000,
    "working_minutes": 60 * 4.2, "working_hours": 3600 * 4.2, "working_days": 86_400 * 1.4,
}  # fmt: skip


def delay_of(part: RulePart) -> float | None:
    """Seconds after the entry, or after the rule before it; None: by a date, or at a time of day."""
    timing = timing_of(part)
    if timing is None or timing.when not in (NOW, DELAY):
        return None
    return timing.amount * SECONDS[timing.unit] if timing.when == DELAY else 0


def timing_of(part: RulePart) -> Timing | None:
    """None for one that cannot be read; its form says so."""
    try:
        found = Timing.of(part.timing)
    except (ValueError, TypeError, AttributeError):
        return None
    return found if found.unit in SECONDS else None


class Check:
    """One thing that is looked for.

    Attributes:
        key, label: of it. level: error, warning or hint. fix_label: what the button says where it can mend.
        instead: its findings say better what a form says at the same place.
    """

    key: ClassVar[str] = ""
    label: ClassVar[Any] = ""
    level: ClassVar[str] = WARNING
    fix_label: ClassVar[Any] = ""
    instead: ClassVar[bool] = False

    def look(self, checked: Checked) -> Iterator[Finding]:
        """Reads only; one finding for each place. `self.found` makes them."""
        raise NotImplementedError

    def found(self, place: str, sentence: str, fix: Mend | None = None) -> Finding:
        label = str(self.fix_label) if fix is not None else ""
        return Finding(place, sentence, self.key, self.level, fix, label, self.instead)


def _fault(cls: type[Check]) -> str:
    return "" if cls.level in LEVELS else f"has the unknown level {cls.level!r}; known are {', '.join(LEVELS)}"


checks: Registry[Check] = Registry("checks", Check, fault=_fault)


def findings(
    live: Live,
    document: Document,
    by: User | None,
    levels: Iterable[str] = LEVELS,
    only: str = "",
    given: set[str] | None = None,
) -> list[Finding]:
    """What all checks find, or those of some levels, or one of them by its key. One that breaks says so at its
    level, and the others count: an error that could not be looked for keeps the document from going live.

    Args:
        given: as of `Checked`.
    """
    checked, found = Checked(live, document, by, given), []
    for check in checks:
        if check.level in levels and only in ("", check.key):
            try:
                found += list(check().look(checked))
            except Exception:  # a third party's, or of settings that no form has judged
                log.exception("check %s", check.key)
                words = _("The check “%s” could not be made; the log of the server says why.") % check.label
                found.append(Finding("", words, check.key, check.level))
    return found


def mend(live: Live, document: Document, by: User, check: str, place: str) -> bool:
    """Do to the document what mends one finding; False: it is not found any more, or nobody but a person can mend it."""
    fixes = (one.fix for one in findings(live, document, by, only=check) if one.place == place)
    fix = next((one for one in fixes if one is not None), None)
    if fix is not None:
        fix(document)
    return fix is not None


def name_of(part: RulePart | TriggerPart) -> str:
    if part.name:
        return part.name
    return str(action_of(part.action).label) if isinstance(part, RulePart) else part.id
