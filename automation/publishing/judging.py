"""What is wrong with a rule or trigger, said by its place, before it goes live: every writer asks here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from automation.base import Scope, action_of, bind
from automation.checking import ERROR, Finding, findings
from automation.condition_form import Readable
from automation.confidential import hidden_from
from automation.document import RULE, SET, STAGE, TRIGGER, UNREAD, Document, Fault, Place, RulePart, Spot, TriggerPart
from automation.models import MOST_NESTED, MOST_RULES, Rule, RuleSet, Trigger
from automation.publishing.comparing import VARIABLE, Change
from automation.publishing.conditions import typed_condition
from automation.publishing.keys import KEY
from automation.publishing.references import INSIDE, referring, type_of
from automation.publishing.rows import Live
from automation.timing import NOW, TimingForm
from automation.variables import Variable
from crm.models import User

Faults = dict[str, list[str]]


def _at(kind: str, spot: Spot, part: Any, said: Faults) -> list[Fault]:
    """Faults of a part with their places in the document."""
    where = f"{spot.place.path}.{kind}s.{part.id}"
    return [Fault(f"{where}.{name}", word) for name, words in said.items() for word in words]


class Judge:
    """Of a document that shall go live; what it names stands in the database, or in the document itself.

    Args:
        by: who publishes it; None: nobody takes anything over.
        judged: ids of parts that a form has judged already.
    Settings, times and conditions that are right are left in the parts as they are stored ("1,500" as a number).
    """

    def __init__(self, live: Live, document: Document, by: User | None, judged: Collection[str] = ()) -> None:
        self.live, self.document, self.by, self.judged = live, document, by, judged
        # Parts that name a set or rule which has no row yet: judged again when it has.
        self.early: list[tuple[str, Spot, Any]] = []
        # Ids of parts that `by` answers for from then on; None: of whatever is asked about.
        self.given: set[str] | None = None

    @cached_property
    def readable(self) -> Readable:
        return Readable(self.live.pipeline, [(f"vars.{one.key}", one.label, one.type) for one in self.variables()])

    def variables(self) -> list[Any]:
        return [*self.document.variables, *self.live.shared]

    # ------------------------------------------------------------------ the whole

    def faults(self, changes: list[Change], *, whole: bool) -> list[Fault]:
        """Of all parts, or of those that changed and of those that read what changed."""
        self.given = {change.id for change in changes if change.gives}
        found = self._of_all()
        if not whole:
            before = Judge(self.live, self.live.document.copy_of(), None)._of_all()
            known = {_known_by(fault) for fault in before}
            found = [fault for fault in found if _known_by(fault) not in known]
        touched = {change.id for change in changes if change.after is not None and change.what in (RULE, TRIGGER)}
        near = {spot.place for change in changes for spot in (change.spot, change.old_spot) if spot is not None}
        near |= self._reading(changes)
        for kind, spot, part in self.document.placed():
            changed = part.id in touched
            if part.id in self.judged or not (whole or changed or spot.place in near):
                continue
            said = self._of_part(spot, part)
            if not changed and not whole:
                said = self._fresh(spot, part, said)
            found += _at(kind, spot, part, said)
        return found

    def faults_of_new(self) -> list[Fault]:
        """Once rows are written: of those that could not be asked all before."""
        early, self.early = self.early, []
        return [
            fault for kind, spot, part in early for fault in _at(kind, spot, part, self.of(spot, part, {"settings"}))
        ]

    def _reading(self, changes: list[Change]) -> set[Place]:
        """Places whose rules may name what changed elsewhere: variables and sets anywhere, rules of a set where it is called."""
        spots = [spot for change in changes for spot in (change.spot, change.old_spot) if spot is not None]
        if any(change.what in (VARIABLE, SET) for change in changes) or any(spot.place.kind == SET for spot in spots):
            return {place for place, _part in self.document.places()}
        return set()

    def _of_all(self) -> list[Fault]:
        return [
            *self._of_definitions(),
            *self._of_places(),
            *findings(self.live, self.document, self.by, (ERROR,), given=self.given),
        ]

    def _fresh(self, spot: Spot, part: Any, said: Faults) -> Faults:
        """Only what was not wrong before: a colleague who left must not block the rule beside."""
        if not said:
            return said
        before = self.live.document.find(part.id)
        old = (
            Judge(self.live, self.live.document, None)._of_part(before[1], before[2].model_copy(deep=True))
            if before
            else {}
        )
        return {name: words for name, words in said.items() if name not in old}

    def _of_definitions(self) -> list[Fault]:
        found = []
        names: set[str] = set()
        for id, one in self.document.sets.items():
            if not one.name.strip() or one.name in names:
                words = _("A set needs a name.") if not one.name.strip() else _("There are two sets of this name.")
                found.append(Fault(f"sets.{id}.name", words))
            names.add(one.name)
        if circle := self._circle():
            words = _("The sets would call each other in a circle: %s.")
            found.append(Fault(f"sets.{circle[0]}", words % " → ".join(self.document.sets[id].name for id in circle)))
        others = Variable.objects.exclude(pipeline=self.live.pipeline).filter(
            key__in=[v.key for v in self.document.variables]
        )
        taken = set(others.values_list("key", flat=True))
        for variable in self.document.variables:
            row = Variable(
                pipeline=self.live.pipeline, **{n: getattr(variable, n) for n in ("key", "label", "type", "scope")}
            )
            row.value = variable.value
            try:
                row.clean_fields(exclude=["pipeline", "value"])
                row.clean()
                if variable.scope == Variable.Scope.COMPANY:
                    raise ValidationError({"scope": [_("Variables of the company are edited apart.")]})
                variable.value = row.value
            except ValidationError as error:
                where = f"variables.{variable.key}"
                found += [
                    Fault(f"{where}.{name}", word) for name, words in error.message_dict.items() for word in words
                ]
            if variable.key in taken:
                found.append(Fault(f"variables.{variable.key}", _("Another pipeline has a variable of this key.")))
        return found

    def _circle(self) -> list[str]:
        """Ids of sets that call each other, the first one again at the end; empty where none do."""
        calls = {
            id: [str(rule.settings.get("rule_set")) for rule in one.rules if rule.action == "run_rule_set"]
            for id, one in self.document.sets.items()
        }
        done: set[str] = set()

        def walk(id: str, above: list[str]) -> list[str]:
            if id in above:
                return [*above[above.index(id) :], id]
            if id in done or id not in calls:
                return []
            done.add(id)
            return next((found for called in calls[id] if (found := walk(called, [*above, id]))), [])

        return next((found for id in calls if (found := walk(id, []))), [])

    def _of_places(self) -> list[Fault]:
        found = []
        for place, one in self.document.places():
            if len(one.rules) > MOST_RULES:
                found.append(Fault(place.path, _("A stage may have %d rules at most.") % MOST_RULES))
        return found

    # ------------------------------------------------------------------ one

    def _of_part(self, spot: Spot, part: Any) -> Faults:
        named = {"settings", "condition", "name", *(["timing", "key"] if isinstance(part, RulePart) else [])}
        return self.of(spot, part, named)

    def of(self, spot: Spot, part: RulePart | TriggerPart, named: Collection[str]) -> Faults:
        """What is wrong with it, by field ("settings.text").

        Args:
            named: the fields that are judged: what stood there before is not judged again where only one is sent.
        """
        faults = self._of_columns(part, named)
        kind = type_of(part)
        own = part.action if isinstance(part, RulePart) else part.type
        if kind is None and "settings" in named:
            return faults | {
                ("action" if isinstance(part, RulePart) else "type"): [_("“%s” is not installed.") % own[:60]]
            }
        known = self.live.rows_of(RULE if isinstance(part, RulePart) else TRIGGER).get(part.id)
        if known is not None and own != getattr(known, "action", None) and own != getattr(known, "type", None):
            words = _("It was another one under this id; what it is called cannot become something else.")
            faults["action" if isinstance(part, RulePart) else "type"] = [words]
        if "settings" in named and kind is not None:
            faults |= self._of_settings(spot, part, kind)
        if "timing" in named and isinstance(part, RulePart):
            faults |= _timing_faults(part)
        if "condition" in named:
            faults |= self._of_condition(part)
        given = self.given is None or part.id in self.given
        if self.by is not None and given and part.is_enabled:
            # All of it, whatever was sent: whoever publishes a part of it answers for the whole from then on.
            form = kind.Settings if kind is not None else None
            for name, both in {"settings": (part.settings, {}), "condition": ({}, part.condition)}.items():
                if name not in faults and (hidden := hidden_from(self.by, form, *both)):
                    faults[name] = [hidden]
        return faults

    def _of_columns(self, part: Any, named: Collection[str]) -> Faults:
        faults: Faults = {}
        if "name" in named and not part.name.strip():
            faults["name"] = [_("This is needed.")]
        if "key" in named and not KEY.fullmatch(part.key):
            faults["key"] = [_("A key is made of letters, digits, - and _.")]
        row: Any = Rule() if isinstance(part, RulePart) else Trigger()
        asked = (
            "after_previous",
            "repeat",
            "repeat_days",
            "on_leave",
            "hourly_limit",
            "retry_hours",
            "concerns",
            "note",
        )
        for name in asked:
            if hasattr(part, name):
                try:
                    row._meta.get_field(name).clean(getattr(part, name), row)
                except ValidationError as error:
                    faults[name] = list(error.messages)
        if isinstance(part, TriggerPart) and part.change_as is not None and not _is_user(part.change_as):
            faults["change_as"] = [_("There is no such person.")]
        return faults

    def _of_settings(self, spot: Spot, part: Any, kind: Any) -> Faults:
        odd = [name for name, value in part.settings.items() if not isinstance(value, str | int | float | bool | list)]
        if odd:
            return {f"settings.{name}": [_("A single text or number is needed here.")] for name in odd}
        raw = self.live.inside.outward(kind, part.settings)
        form = bind(kind.Settings, _typed(kind.Settings.base_fields, raw), self.scope(spot, part))
        new = [name for name in self.named_new(part) if name in form.fields]
        if new:
            self.early.append((RULE if isinstance(part, RulePart) else TRIGGER, spot, part))
            for name in new:
                del form.fields[name]
            raw = {name: value for name, value in raw.items() if name not in new}
        faults = _form_faults("settings", form, raw) | self._gone(part)
        if not faults:
            kept = {name: part.settings[name] for name in new}
            part.settings = self.live.inside.inward(kind, form.stored(raw)) | kept
        return faults

    @cached_property
    def _here(self) -> dict[Any, set[str]]:
        """What parts may name of the document itself, and of the company's variables, by their ids."""
        return {
            RuleSet: set(self.document.sets),
            Rule: {part.id for kind, _spot, part in self.document.placed() if kind == RULE},
            Variable: {one.key for one in self.variables()},
        }

    @cached_property
    def _rows(self) -> dict[Any, set[str]]:
        """Ids in the document of what has a row in use: what was retired is offered by no form until it comes back."""
        rows: dict[Any, set[str]] = {model: set(known.values()) for model, known in self.live.inside.by_row.items()}
        rows[Rule] -= {uid for uid, row in self.live.rules.items() if row.retired}
        rows[RuleSet] -= {uid for uid, row in self.live.sets.items() if row.retired}
        return rows

    def _inner(self, part: Any) -> Iterator[tuple[str, Any, str]]:
        """Each reference of a part's settings to something that documents hold: (setting, model, id in the document)."""
        for name, model in referring(type_of(part)).items():
            value = part.settings.get(name)
            several = value if isinstance(value, list) else [value]
            yield from ((name, model, one) for one in several if model in INSIDE and isinstance(one, str) and one)

    def named_new(self, part: Any) -> list[str]:
        """Settings that name what the document has and the database has not yet: their form knows it when it is published."""
        rows = self._rows
        return [name for name, model, one in self._inner(part) if one in self._here[model] and one not in rows[model]]

    def _gone(self, part: Any) -> Faults:
        """What it names and the document takes out, while it still has a row that a form would offer."""
        rows = self._rows
        words = _("“%s” is not part of this automation any more.")
        return {
            f"settings.{name}": [words % one]
            for name, model, one in self._inner(part)
            if one in rows[model] and one not in self._here[model]
        }

    def _of_condition(self, part: Any) -> Faults:
        if UNREAD in part.extra:
            return {"condition": [_("What was typed into its condition cannot be read yet.")]}
        try:
            part.condition = typed_condition(part.condition, self.readable, self.live.pipeline.currency)
        except ValidationError as error:
            return {"condition": list(error.messages)}
        except (ArithmeticError, ValueError, TypeError):  # of a shape that no type expects
            return {"condition": [_("It has a value that cannot be read.")]}
        return {}

    # ------------------------------------------------------------------ what texts may name

    def scope(self, spot: Spot, part: Any) -> Scope:
        def outputs() -> dict[str, set[str]]:
            found: dict[str, set[str]] = {}
            for rule in self.document.rules_of(spot.place):
                if rule.id == part.id:
                    break
                found[rule.key] = self._outputs(rule)
            return found

        place: Any = (
            self.live.stages.get(spot.place.key) if spot.place.kind == STAGE else self.live.sets.get(spot.place.key)
        )
        if place is None:
            place = RuleSet(pipeline=self.live.pipeline)
        return Scope(place=place, outputs=outputs, variables=lambda: {one.key for one in self.variables()})

    def _outputs(self, rule: RulePart, depth: int = 0) -> set[str]:
        names = set(action_of(rule.action).outputs)
        called = self.document.sets.get(str(rule.settings.get("rule_set"))) if rule.action == "run_rule_set" else None
        for inner in called.rules if called is not None and depth < MOST_NESTED else ():
            names |= {f"{inner.key}.{name}" for name in self._outputs(inner, depth + 1)}
        return names


def _known_by(fault: Fault) -> tuple[str, str]:
    """A fault that was there before: a check's sentence may name what has another name now."""
    return fault.place, fault.check if isinstance(fault, Finding) else fault.sentence


def _is_user(value: Any) -> bool:
    return isinstance(value, int) and User.objects.filter(pk=value).exists()


def _timing_faults(rule: RulePart) -> Faults:
    """Stored as the form reads it: what only the form could read ("9:30") would stop the whole pipeline."""
    odd = [name for name, value in rule.timing.items() if not isinstance(value, str | int | bool)]
    if odd:
        return {f"timing.{name}": [_("A single text or number is needed here.")] for name in odd}
    form = TimingForm(_typed(TimingForm.base_fields, rule.timing) or {"when": NOW})
    faults = _form_faults("timing", form, rule.timing)
    if not faults:
        rule.timing = form.raw()
    return faults


def _typed(fields: Any, raw: dict[str, Any]) -> dict[str, Any]:
    """As people type it: programs send numbers, which boxes for a time or a text cannot read."""
    return {
        name: value if isinstance(value, list | str) or isinstance(fields.get(name), forms.BooleanField) else str(value)
        for name, value in raw.items()
    }


def _form_faults(name: str, form: Any, raw: dict[str, Any]) -> Faults:
    faults = {f"{name}.{key}": [str(word) for word in words] for key, words in form.errors.items()}
    return faults | {f"{name}.{key}": [_("There is no such setting.")] for key in set(raw) - set(form.fields)}
