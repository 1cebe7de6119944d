"""A pipeline's machine: stages, moves, rights and fields as the gate needs them, compiled once per edit and process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from crm.fields import Field, own
from crm.ground import databases
from crm.pipelines import rights
from crm.pipelines.custom_fields import CustomField
from crm.pipelines.models import Pipeline, Stage


@dataclass
class Machine:
    """A pipeline as the gate needs it, compiled once per edit and process."""

    pipeline: Pipeline
    stages: dict[int, Stage]
    transitions: set[tuple[int, int]]
    grants: tuple[rights.Grant, ...]
    entered_by: dict[int, frozenset[int]]
    # Custom fields of the pipeline's items by key, in their order.
    fields: dict[str, CustomField]
    position: dict[int, int] = field(default_factory=dict)
    # What upper rooms compiled for this version, by their name: thrown away with the machine.
    attached: dict[str, Any] = field(default_factory=dict)

    def field(self, name: str) -> Field | None:
        """By the name that stages, rules and forms use: a column that may be filled, or "custom.key"; None for none.

        Amounts are in the pipeline's currency; an item may have its own.
        """
        row = self.fields.get(name.removeprefix("custom.")) if name.startswith("custom.") else None
        return row.field if row is not None else own.ITEM.get(name)

    def ordered(self) -> list[Stage]:
        return sorted(self.stages.values(), key=lambda stage: self.position[stage.pk])

    def first_open(self) -> Stage:
        return next(stage for stage in self.ordered() if stage.is_open)


_machines: dict[int, tuple[int, Machine]] = {}


def machine_of(pipeline_id: int, *, share: bool = False, version: int | None = None) -> Machine:
    """The compiled machine of a pipeline; one small query when nothing was edited.

    Args:
        share: hold the pipeline row for the rest of the transaction, so that editing waits for us.
        version: the row's machine_version, where the caller has just read it.
    Raises Pipeline.DoesNotExist.
    """
    if share:
        row = databases.share_lock(Pipeline, pipeline_id, "machine_version")
        version = row[0] if row else None
    elif version is None:
        rows = Pipeline.objects.filter(pk=pipeline_id).order_by("pk")
        version = rows.values_list("machine_version", flat=True).first()
    if version is None:
        raise Pipeline.DoesNotExist(pipeline_id)
    known = _machines.get(pipeline_id)
    if known is None or known[0] != version:
        known = (version, _compile(pipeline_id))
        _machines[pipeline_id] = known
    return known[1]


def _grants(pipeline: Pipeline) -> list[rights.Grant]:
    rows = pipeline.rights.select_related("role").prefetch_related("role__people", "role__departments")
    return [
        rights.Grant(
            role=row.role.name,
            people=frozenset(person.pk for person in row.role.people.all()),
            departments=frozenset(department.pk for department in row.role.departments.all()),
            scopes={action: rights.Scope(getattr(row, f"may_{action}")) for action in rights.ACTIONS},
        )
        for row in rows.order_by("role__name")
    ]


def _compile(pipeline_id: int) -> Machine:
    pipeline = Pipeline.objects.select_related("item_type", "calendar", "automation_owner").get(pk=pipeline_id)
    stages = {stage.pk: stage for stage in pipeline.stages.filter(retired=False)}
    entered_by: dict[int, set[int]] = {}
    links = Stage.entered_by.through.objects.filter(stage__pipeline_id=pipeline_id)
    for stage_id, department_id in links.values_list("stage_id", "department_id"):
        entered_by.setdefault(stage_id, set()).add(department_id)
    return Machine(
        pipeline=pipeline,
        stages=stages,
        transitions=set(pipeline.transitions.values_list("source_id", "target_id")),
        grants=tuple(_grants(pipeline)),
        entered_by={stage_id: frozenset(ids) for stage_id, ids in entered_by.items()},
        fields={row.key: row for row in CustomField.of_items(pipeline.item_type_id)},
        position={stage.pk: place for place, stage in enumerate(stages.values())},
    )
