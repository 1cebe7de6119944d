"""Rules, triggers and rule sets for programs; each change is a publication."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema
from ninja import Status as Answer
from pydantic import Field

from automation.base import actions, trigger_types
from automation.document import Faulty, by_place
from automation.models import Rule, RuleSet, Trigger
from automation.publishing import doors
from automation.publishing.keys import free_key
from automation.publishing.models import Publication
from crm.api.auth import scope
from crm.api.errors import answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Page, Visible
from crm.models import Pipeline, Stage
from crm.people.signed_in import signed_in

router = Router(tags=["automation"])


class RuleOut(Schema):
    id: int
    key: str
    name: str
    pipeline: int
    stage: int | None
    rule_set: int | None
    action: str
    settings: dict[str, Any]
    timing: dict[str, Any]
    condition: Any
    is_enabled: bool
    order: int
    after_previous: str
    repeat: str
    repeat_days: int
    on_leave: str
    hourly_limit: int
    retry_hours: int


def rule_out(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.pk,
        "key": rule.key,
        "name": rule.name,
        "pipeline": rule.pipeline_id,
        "stage": rule.stage_id,
        "rule_set": rule.rule_set_id,
        "action": rule.action,
        "settings": rule.settings,
        "timing": rule.timing,
        "condition": rule.condition,
        "is_enabled": rule.is_enabled,
        "order": rule.order,
        "after_previous": rule.after_previous,
        "repeat": rule.repeat,
        "repeat_days": rule.repeat_days,
        "on_leave": rule.on_leave,
        "hourly_limit": rule.hourly_limit,
        "retry_hours": rule.retry_hours,
    }


class TriggerOut(Schema):
    id: int
    name: str
    pipeline: int
    stage: int
    type: str
    settings: dict[str, Any]
    condition: Any
    is_enabled: bool
    order: int
    allow_moving_back: bool


def trigger_out(trigger: Trigger) -> dict[str, Any]:
    return {
        "id": trigger.pk,
        "name": trigger.name,
        "pipeline": trigger.pipeline_id,
        "stage": trigger.stage_id,
        "type": trigger.type,
        "settings": trigger.settings,
        "condition": trigger.condition,
        "is_enabled": trigger.is_enabled,
        "order": trigger.order,
        "allow_moving_back": trigger.allow_moving_back,
    }


def _mine(request: HttpRequest, rows: Any) -> Any:
    return rows.filter(pipeline__in=Pipeline.objects.visible_to(request.user), retired=False)


@router.get("/rules", response=answers(Page[RuleOut]), summary="Rules")
@scope("read")
def rules(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", stage: Id | None = None) -> Any:
    only(request, "stage")
    rows = _mine(request, Rule.objects.all())
    return page_of(rows.filter(stage_id=stage) if stage is not None else rows, rule_out, limit, cursor)


@router.get("/triggers", response=answers(Page[TriggerOut]), summary="Triggers")
@scope("read")
def triggers(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", stage: Id | None = None) -> Any:
    only(request, "stage")
    rows = _mine(request, Trigger.objects.all())
    return page_of(rows.filter(stage_id=stage) if stage is not None else rows, trigger_out, limit, cursor)


# ---------------------------------------------------------------------- writing


class Placing(Schema):
    model_config = {"extra": "forbid"}
    name: str | None = Field(default=None, max_length=120, description="Empty: what its type is called.")
    settings: dict[str, Any] | None = Field(default=None, description="As the form of its type has them.")
    condition: dict[str, Any] | None = Field(default=None, description="A tree of all, any, not; {}: none.")
    order: int | None = Field(default=None, ge=0, le=32767)
    is_enabled: bool | None = None


class RuleChange(Placing):
    timing: dict[str, Any] | None = Field(default=None, description='As the form has it: {"when": "delay", …}.')
    after_previous: Literal["", "ended", "done", "any"] | None = None
    repeat: Literal["every", "once", "days"] | None = None
    repeat_days: int | None = Field(default=None, ge=1, le=3650, description="With *days*.")
    hourly_limit: int | None = Field(default=None, ge=1, le=1_000_000, description="Messages an hour, at most.")
    retry_hours: int | None = Field(default=None, ge=0, le=240)
    on_leave: Literal["cancel", "keep"] | None = None
    pin_planned: bool = Field(default=False, description="Planned runs finish with the old settings.")


class RuleIn(RuleChange):
    stage: Id | None = None
    rule_set: Id | None = Field(default=None, description="In place of a stage: a rule stands on one or in the other.")
    action: str = Field(max_length=60)
    key: str = Field(default="", max_length=40, pattern="^[a-z0-9_]*$")


class TriggerChange(Placing):
    allow_moving_back: bool | None = None


class TriggerIn(TriggerChange):
    stage: Id
    type: str = Field(max_length=60)


def _configured(request: HttpRequest) -> Any:
    return Pipeline.objects.configured_by(signed_in(request))


def _published(request: HttpRequest, placed: Any, sent: dict[str, Any]) -> Any:
    """Raises 422 by field for what could not work. Whose token it is, by that person's rights it acts."""
    pinned = sent.pop("pin_planned", False)
    for name, value in sent.items():
        if value is not None and not (name == "name" and not value.strip()):
            setattr(placed, name, value)
    judged = set(sent) | (set() if placed.pk else {"settings"})
    faults = doors.judge(placed, signed_in(request), judged)
    if faults:
        raise invalid(faults)
    try:
        placed.full_clean(exclude=["publisher"])
    except ValidationError as error:
        raise invalid({name: [str(word) for word in words] for name, words in error.message_dict.items()}) from error
    confirms = not placed.pk or "condition" in sent  # a program has seen no other's reading
    with refusing():
        doors.publish(placed, signed_in(request), Publication.Origin.API, pin_planned=pinned, confirms=confirms)
    return placed


@contextmanager
def refusing() -> Iterator[None]:
    """422 with the faults by their places."""
    try:
        yield
    except Faulty as faulty:
        raise invalid(by_place(faulty.faults)) from faulty


def _where(request: HttpRequest, stage: int | None, rule_set: int | None) -> dict[str, Any]:
    """What it is placed on, by the name of its column. Raises 422 by field."""
    if (stage is None) == (rule_set is None):
        raise invalid({"stage": [_("A rule stands on a stage or in a set, never in both.")]})
    if rule_set is not None:
        chosen = RuleSet.objects.filter(pk=rule_set, pipeline__in=_configured(request), retired=False).first()
        if chosen is None:
            raise invalid({"rule_set": [_("There is no such rule set.")]})
        return {"rule_set": chosen}
    found = Stage.active.filter(pk=stage or 0, pipeline__in=_configured(request)).first()
    if found is None:
        raise invalid({"stage": [_("There is no such stage.")]})
    return {"stage": found}


def _placed(request: HttpRequest, model: Any, payload: Any, kind: str, registry: Any) -> Any:
    """A new row on a stage of a pipeline that the person sets up, at its end."""
    sent = payload.model_dump(exclude_unset=True)
    where = _where(request, sent.pop("stage", None), sent.pop("rule_set", None))
    found = registry.get(sent[kind])
    last = model.objects.filter(**where).order_by("-order").first()
    pipeline_id = next(iter(where.values())).pipeline_id
    placed = model(**where, pipeline_id=pipeline_id, order=last.order + 1 if last else 1)
    placed.name = str(found.label) if found else sent[kind]
    setattr(placed, kind, sent[kind])
    if isinstance(placed, Rule):
        used = placed.beside().filter(retired=False).values_list("key", flat=True)
        placed.key = sent.pop("key", "") or free_key(placed.action, used)
    return _published(request, placed, sent)


class RuleSetOut(Schema):
    id: int
    name: str
    pipeline: int
    note: str


class RuleSetIn(Schema):
    model_config = {"extra": "forbid"}
    pipeline: Id
    name: Annotated[Visible, Field(max_length=80)]
    note: str = Field(default="", max_length=2000)


def _set_out(row: RuleSet) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "pipeline": row.pipeline_id, "note": row.note}


@router.get("/rule-sets", response=answers(Page[RuleSetOut]), summary="Rule sets")
@scope("read")
def rule_sets(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "") -> Any:
    only(request)
    rows = RuleSet.objects.filter(pipeline__in=Pipeline.objects.visible_to(request.user), retired=False)
    return page_of(rows, _set_out, limit, cursor)


@router.post("/rule-sets", response=answers(RuleSetOut, 201), summary="Make a rule set")
@scope("rules")
@idempotent
def add_rule_set(request: HttpRequest, payload: RuleSetIn) -> Any:
    pipeline = _configured(request).filter(pk=payload.pipeline).first()
    if pipeline is None:
        raise invalid({"pipeline": [_("There is no such pipeline.")]})
    made = RuleSet(pipeline=pipeline, name=payload.name, note=payload.note)
    try:
        made.full_clean()
    except ValidationError as error:
        raise invalid({"name": [" ".join(error.messages)]}) from error
    with refusing():
        doors.publish_set(made, signed_in(request), Publication.Origin.API)
    return Answer(201, _set_out(made))


@router.post("/rules", response=answers(RuleOut, 201), summary="Place a rule on a stage")
@scope("rules")
@idempotent
def add_rule(request: HttpRequest, payload: RuleIn) -> Any:
    """For whoever sets the pipeline up; it acts with that person's rights."""
    return Answer(201, rule_out(_placed(request, Rule, payload, "action", actions)))


@router.patch("/rules/{pk}", response=answers(RuleOut), summary="Change a rule; saving publishes it")
@scope("rules")
@idempotent
def change_rule(request: HttpRequest, pk: Id, payload: RuleChange) -> Any:
    rule = one(Rule.objects.filter(pipeline__in=_configured(request), retired=False), pk)
    return rule_out(_published(request, rule, payload.model_dump(exclude_unset=True)))


@router.delete("/rules/{pk}", response=answers(None, 204), summary="Take a rule away; its planned runs end")
@scope("rules")
@idempotent
def remove_rule(request: HttpRequest, pk: Id) -> Any:
    found = one(Rule.objects.filter(pipeline__in=_configured(request), retired=False), pk)
    with refusing():
        doors.retire(found, signed_in(request), Publication.Origin.API)
    return Answer(204, None)


@router.post("/triggers", response=answers(TriggerOut, 201), summary="Place a trigger on a stage")
@scope("rules")
@idempotent
def add_trigger(request: HttpRequest, payload: TriggerIn) -> Any:
    return Answer(201, trigger_out(_placed(request, Trigger, payload, "type", trigger_types)))


@router.patch("/triggers/{pk}", response=answers(TriggerOut), summary="Change a trigger")
@scope("rules")
@idempotent
def change_trigger(request: HttpRequest, pk: Id, payload: TriggerChange) -> Any:
    trigger = one(Trigger.objects.filter(pipeline__in=_configured(request), retired=False), pk)
    return trigger_out(_published(request, trigger, payload.model_dump(exclude_unset=True)))


@router.delete("/triggers/{pk}", response=answers(None, 204), summary="Take a trigger away")
@scope("rules")
@idempotent
def remove_trigger(request: HttpRequest, pk: Id) -> Any:
    found = one(Trigger.objects.filter(pipeline__in=_configured(request), retired=False), pk)
    with refusing():
        doors.retire(found, signed_in(request), Publication.Origin.API)
    return Answer(204, None)
