"""Rules and triggers of a stage that is taken out: they go where its cards go, behind those that are there."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from automation.models import Rule, Trigger
from crm import slots
from crm.models import Stage
from crm.slots import StageUse


@slots.stage_uses.register
def rules_and_triggers(stage: Stage) -> list[StageUse]:
    placed = [
        StageUse(label, rows.count(), partial(_hand_over, rows))
        for label, rows in (
            (_("rules"), Rule.objects.filter(stage=stage, retired=False)),
            (_("triggers that move cards here"), Trigger.objects.filter(stage=stage, retired=False)),
        )
    ]
    leading = Rule.objects.filter(retired=False, action="change_stage", settings__stage__in=[stage.pk, str(stage.pk)])
    leading = leading.exclude(stage=stage)
    judging = [
        StageUse(label, len(found), partial(_judge_by, found, stage.pk))
        for label, found in (
            (_("conditions of rules on the stage"), _judging(Rule, stage)),
            (_("conditions of triggers on the stage"), _judging(Trigger, stage)),
        )
    ]
    return [
        *placed,
        *judging,
        StageUse(_("rules that move cards here"), leading.count(), lambda to: _lead_to(leading, to)),
    ]


def _hand_over(rows: Any, target: Stage) -> None:
    there = rows.model.objects.filter(stage=target)
    last = there.order_by("-order").values_list("order", flat=True).first() or 0
    for place, row in enumerate(rows.order_by("order", "pk"), last + 1):
        # In another pipeline they meet other customers: somebody looks at them first.
        row.is_enabled = row.is_enabled and row.stage.pipeline_id == target.pipeline_id
        row.stage, row.order = target, place
        if isinstance(row, Rule):
            row.key = _free_key(row.key, set(there.values_list("key", flat=True)))
        row.save()


def _free_key(key: str, taken: set[str]) -> str:
    free, number = key, 2
    while free in taken:
        free, number = f"{key[:36]}_{number}", number + 1
    return free


def _lead_to(rules: Any, target: Stage) -> None:
    """One that stands on the target itself has nowhere to lead any more: it is switched off."""
    for rule in list(rules):
        rule.settings = {**rule.settings, "stage": str(target.pk)}
        rule.is_enabled = rule.is_enabled and rule.stage_id != target.pk
        rule.save()


def _judging(model: Any, stage: Stage) -> list[Any]:
    """Rules or triggers of the pipeline whose condition names the stage by its id."""
    rows = model.objects.filter(pipeline=stage.pipeline_id, retired=False).exclude(condition={})
    return [row for row in rows if _with(row.condition, stage.pk, 0) != row.condition]


def _judge_by(found: list[Any], old: int, target: Stage) -> None:
    for row in found:
        fresh = type(row).objects.get(pk=row.pk)
        fresh.condition = _with(fresh.condition, old, target.pk)
        fresh.save()


def _with(tree: Any, old: int, new: int) -> Any:
    """The condition with another stage in the old one's place."""
    if isinstance(tree, list):
        return [_with(part, old, new) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("field") in ("stage", "item.stage"):
        value = tree.get("value")
        swapped = [new if one == old else one for one in value] if isinstance(value, list) else value
        return {**tree, "value": new if value == old else swapped} if "value" in tree else tree
    return {name: _with(part, old, new) for name, part in tree.items()}
