"""Rows as a document, and a document as rows: what a publication reads and writes. The pipeline is locked by who writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from automation.document import (
    RULE,
    SET,
    STAGE,
    TRIGGER,
    Document,
    Place,
    RulePart,
    SetPart,
    StagePart,
    TriggerPart,
    VariablePart,
)  # fmt: skip
from automation.models import Rule, RuleSet, Trigger
from automation.publishing.comparing import VARIABLE
from automation.publishing.models import Publication
from automation.publishing.references import Inside, type_of
from automation.variables import Variable
from crm.models import Pipeline, Stage

# Columns of a part that are its row's by the same name.
ALIKE = ("name", "note", "condition")
OF_RULES = ("key", "timing", "after_previous", "repeat", "repeat_days", "on_leave", "hourly_limit", "retry_hours")
OF_TRIGGERS = ("allow_moving_back", "concerns", "override")


@dataclass
class Live:
    """A pipeline's rows, retired ones too, by their ids in the document; and the document that those in use are."""

    pipeline: Pipeline
    stages: dict[str, Stage]
    rules: dict[str, Rule]
    triggers: dict[str, Trigger]
    sets: dict[str, RuleSet]
    variables: dict[str, Variable]
    inside: Inside
    last: Publication | None
    document: Document = field(default_factory=Document)
    # Variables of the company, which are edited apart.
    shared: list[Variable] = field(default_factory=list)

    @property
    def number(self) -> int:
        return self.last.number if self.last is not None else 0

    def rows_of(self, what: str) -> dict[str, Any]:
        known: dict[str, dict[str, Any]] = {
            RULE: self.rules, TRIGGER: self.triggers, SET: self.sets, VARIABLE: self.variables,
        }  # fmt: skip
        return known[what]

    def switches(self) -> dict[str, bool]:
        rows = [*self.rules.values(), *self.triggers.values()]
        return {row.uid: row.is_enabled for row in rows if not row.retired}


def read(pipeline: Pipeline) -> Live:
    """Six queries."""
    rules = list(Rule.objects.filter(pipeline=pipeline).order_by("order", "pk"))
    triggers = list(Trigger.objects.filter(pipeline=pipeline).order_by("order", "pk"))
    sets = list(RuleSet.objects.filter(pipeline=pipeline).order_by("pk"))
    named = list(Variable.objects.filter(Q(pipeline=pipeline) | Q(pipeline=None)).order_by("pk"))
    variables = [row for row in named if row.pipeline_id is not None and row.scope != Variable.Scope.COMPANY]
    stages = Stage.objects.filter(pipeline=pipeline).order_by("order", "pk")
    live = Live(
        pipeline,
        {str(stage.pk): stage for stage in stages},
        {row.uid: row for row in rules},
        {row.uid: row for row in triggers},
        {row.uid: row for row in sets},
        {row.key: row for row in variables},
        Inside(),
        Publication.objects.filter(pipeline=pipeline).first(),
    )
    for model, rows in ((Rule, rules), (RuleSet, sets)):
        for row in rows:
            live.inside.know(model, row.pk, row.uid)
    for variable in named:
        if not variable.retired:
            live.inside.know(Variable, variable.pk, variable.key)
    live.shared = [row for row in named if row not in variables and not row.retired]
    live.document = _document(live)
    return live


def _document(live: Live) -> Document:
    made = live.last.document if live.last is not None else {}
    # Of the last version only what has no rows: its tests, and what this version does not know of.
    known = set(Document.model_fields) - {"tests"}  # nor the version that it was made from
    document = Document.model_validate({name: value for name, value in made.items() if name not in known})
    for key, stage in live.stages.items():
        if not stage.retired:
            document.stages[key] = _stage(made, key)
    for uid, row in live.sets.items():
        if not row.retired:
            document.sets[uid] = SetPart(name=row.name, note=row.note, **row.extra)
    set_ids = {row.pk: uid for uid, row in live.sets.items()}
    for rule in live.rules.values():
        if not rule.retired:
            place = Place(STAGE, str(rule.stage_id)) if rule.stage_id else Place(SET, set_ids[rule.rule_set_id or 0])
            document.list_of(RULE, place).append(part_of(rule, live.inside))
    for trigger in live.triggers.values():
        if not trigger.retired:
            stands = Place(STAGE, str(trigger.stage_id))
            document.list_of(TRIGGER, stands).append(part_of(trigger, live.inside))
    document.variables = [
        VariablePart(key=row.key, label=row.label, type=row.type, scope=row.scope, value=row.value, **row.extra)
        for row in live.variables.values()
        if not row.retired
    ]
    return document


def _stage(made: dict[str, Any], key: str) -> StagePart:
    old = made.get("stages", {}).get(key, {})
    return StagePart(**{name: value for name, value in old.items() if name not in StagePart.model_fields})


def part_of(row: Rule | Trigger, inside: Inside) -> RulePart | TriggerPart:
    """The row as it stands in the document."""
    values = {name: getattr(row, name) for name in (*ALIKE, "is_enabled")} | {"id": row.uid} | row.extra
    if isinstance(row, Rule):
        part: Any = RulePart(action=row.action, **values, **{name: getattr(row, name) for name in OF_RULES})
    else:
        own = {name: getattr(row, name) for name in OF_TRIGGERS}
        part = TriggerPart(type=row.type, change_as=row.change_as_id, **values, **own)
    part.settings = inside.inward(type_of(part), row.settings)
    return part


def fill(row: Rule | Trigger, part: RulePart | TriggerPart, inside: Inside) -> None:
    """The part into its row, in memory; where it stands and the switch are not touched."""
    for name in (*ALIKE, *(OF_RULES if isinstance(row, Rule) else OF_TRIGGERS)):
        setattr(row, name, getattr(part, name))
    row.settings = inside.outward(type_of(part), part.settings)
    row.extra = part.extra
    if isinstance(row, Trigger) and isinstance(part, TriggerPart):
        row.change_as_id = part.change_as if isinstance(part.change_as, int) else None


@dataclass
class Written:
    """What a publication has written.

    Args:
        before: of each rule that does something else now, what runs keep of it, as it was.
        changes: each rule and trigger as it was (None: it is new) and as it is, for the audit log.
    """

    before: dict[int, dict[str, Any]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    changes: list[tuple[Any, Any]] = field(default_factory=list)
    # Rules whose condition somebody wrote anew that had waited to be confirmed.
    confirmed: list[Rule] = field(default_factory=list)
