"""A pipeline's rules and triggers, compiled with its machine: what the engine asks at every move."""

from __future__ import annotations

from dataclasses import dataclass, field

from automation.base import trigger_types
from automation.models import Rule, Trigger
from crm.pipelines.machine import Machine


@dataclass
class Automation:
    """A pipeline's rules and triggers as the engine needs them; lives and dies with the machine's version."""

    rules: dict[int, list[Rule]] = field(default_factory=dict)
    sets: dict[int, list[Rule]] = field(default_factory=dict)
    triggers: list[Trigger] = field(default_factory=list)
    by_id: dict[int, Rule] = field(default_factory=dict)
    date_fields: set[str] = field(default_factory=set)

    def timed(self, key: str = "") -> list[Trigger]:
        """The triggers of time, of one type or of all."""
        return [
            trigger
            for trigger in self.triggers
            if trigger.type == key or (not key and (found := trigger_types.get(trigger.type)) and found.is_timed())
        ]


def automation_of(machine: Machine) -> Automation:
    known = machine.attached.get("automation")
    if known is None:
        known = machine.attached["automation"] = _compile(machine)
    return known


def _compile(machine: Machine) -> Automation:
    made = Automation()
    rules = Rule.objects.filter(pipeline_id=machine.pipeline.pk).select_related("publisher", "stage", "rule_set")
    for rule in rules.order_by("order", "pk"):
        made.by_id[rule.pk] = rule
        if not rule.retired and rule.stage_id is not None:
            made.rules.setdefault(rule.stage_id, []).append(rule)
        elif not rule.retired and rule.rule_set_id is not None:
            made.sets.setdefault(rule.rule_set_id, []).append(rule)
        if rule.is_enabled and rule.when().date_field:
            made.date_fields.add(rule.when().date_field)
    triggers = Trigger.objects.filter(pipeline_id=machine.pipeline.pk, is_enabled=True, retired=False, unconfirmed=[])
    made.triggers = list(triggers.select_related("stage", "publisher", "change_as").order_by("order", "pk"))
    return made
