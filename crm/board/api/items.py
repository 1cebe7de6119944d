"""Item types, pipelines, stages, items: list, add, change, move, delete, restore."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import AfterValidator, Field

from crm.api.auth import scope, token_of
from crm.api.errors import answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Day, EventOut, ItemOut, Page, StageOut, Visible, event_out, item_out, stage_out
from crm.board.forms.items import COLUMNS, cleaned_for_item, field_for
from crm.events.models import Cause, Event
from crm.ground.amounts import is_currency
from crm.ground.decimals import MONEY
from crm.ground.refused import Gone
from crm.items import customer_rights
from crm.items.filters import ItemFilter
from crm.items.models.gate import MoveOptions
from crm.items.models.items import Item
from crm.people.models import Company, Contact, User
from crm.people.signed_in import signed_in
from crm.pipelines.models import ItemType, LostReason, Pipeline, Stage

router = Router(tags=["items"])
API = Cause("api")


class TypeOut(Schema):
    id: int
    key: str
    name: str
    plural: str


class PipelineOut(Schema):
    id: int
    name: str
    type: int
    currency: str
    is_default: bool
    state: str = Field(description='Empty: in use; "archived": its cards can be read, none is added or moved.')
    stages: list[StageOut]


def _pipeline_out(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "id": pipeline.pk,
        "name": pipeline.name,
        "type": pipeline.item_type_id,
        "currency": pipeline.currency,
        "is_default": pipeline.is_default,
        "state": pipeline.state,
        "stages": [stage_out(stage) for stage in pipeline.stages.all() if not stage.retired],
    }


@router.get("/item-types", response=answers(list[TypeOut]), summary="Item types")
@scope("read")
def item_types(request: HttpRequest) -> Any:
    only(request)
    return [{"id": t.pk, "key": t.key, "name": t.name, "plural": t.plural} for t in ItemType.objects.all()]


@router.get("/pipelines", response=answers(list[PipelineOut]), summary="Pipelines with their stages")
@scope("read")
def pipelines(request: HttpRequest) -> Any:
    only(request)
    rows = Pipeline.objects.exclude(state=Pipeline.State.REMOVED).visible_to(request.user)
    return [_pipeline_out(pipeline) for pipeline in rows.prefetch_related("stages")]


@router.get("/pipelines/{pk}", response=answers(PipelineOut), summary="One pipeline")
@scope("read")
def pipeline(request: HttpRequest, pk: Id) -> Any:
    only(request)
    rows = Pipeline.objects.exclude(state=Pipeline.State.REMOVED)
    return _pipeline_out(one(rows.visible_to(request.user), pk))


@router.get("/stages", response=answers(list[StageOut]), summary="Stages, of one pipeline or of all")
@scope("read")
def stages(request: HttpRequest, pipeline: Id | None = None) -> Any:
    only(request, "pipeline")
    rows = Stage.active.filter(pipeline__in=Pipeline.objects.visible_to(request.user))
    return [stage_out(stage) for stage in (rows.filter(pipeline=pipeline) if pipeline else rows)]


# ---------------------------------------------------------------------- items


def visible(request: HttpRequest) -> QuerySet[Any]:
    return Item.objects.visible_to(signed_in(request)).select_related("stage", "lost_reason")


OWN = ("limit", "cursor", "pipeline", "stage", "contact")


@router.get("/items", response=answers(Page[ItemOut]), summary="Items by filter")
@scope("read")
def items(
    request: HttpRequest,
    limit: Limit = 50,
    cursor: Cursor = "",
    pipeline: Id | None = None,
    stage: Id | None = None,
    contact: Id | None = None,
) -> Any:
    """Newest first. Besides these parameters, those of the board's filter: `q`, `owner` (`me`, `none` or an id),
    `age` (days in stage), `activity` (late, today, later, none), `tag`, `c.<key>` for custom fields."""
    asked = ItemFilter.read(request.GET, None, OWN)
    rows = asked.apply(visible(request), signed_in(request))
    for name, value in (("pipeline", pipeline), ("stage", stage), ("contact", contact)):
        if value is not None:
            rows = rows.filter(**{f"{name}_id": value})
    return page_of(rows, item_out, limit, cursor)


def changeable(request: HttpRequest, pk: int) -> Item:
    """The item that a body names. Raises 422 where the person does not see it, Forbidden where he may not edit it."""
    found = visible(request).filter(pk=pk).first()
    if found is None:
        raise invalid({"item": [_("There is no such item.")]})
    found.require(request.user, "edit")
    return found


def _fresh(pk: int) -> Item:
    """The item after a change; it may just have been given to somebody whose items the person does not see."""
    found: Item = Item.objects.select_related("stage", "lost_reason").get(pk=pk)
    return found


def _real(code: str) -> str:
    if not is_currency(code):
        raise ValueError(str(_("“%s” is not a currency such as EUR.") % code[:20]))
    return code


class ItemFields(Schema):
    """Only what is sent is changed."""

    model_config = {"extra": "forbid"}
    title: Annotated[Visible, Field(max_length=200)] | None = None
    amount: Decimal | None = Field(default=None, max_digits=MONEY.digits, decimal_places=MONEY.places)
    currency: Annotated[str, AfterValidator(_real)] | None = None
    owner: Id | None = None
    contact: Id | None = None
    company: Id | None = None
    probability: int | None = Field(default=None, ge=0, le=100)
    source: str | None = Field(default=None, max_length=80)
    due_date: Day | None = None
    custom: dict[str, Any] | None = Field(default=None, description="Values of custom fields by key.")


class ItemIn(ItemFields):
    title: Annotated[Visible, Field(max_length=200)]
    pipeline: Id
    stage: Id | None = Field(default=None, description="Empty: the pipeline's first open stage.")


class ItemChange(ItemFields):
    version: int | None = Field(default=None, ge=0, description="The version you saw; another one is 409 *stale*.")


def cleaned(user: Any, item: Item, sent: dict[str, Any]) -> dict[str, Any]:
    """Values as the item's own forms would clean them. Raises 422 by field."""
    faults: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    links: dict[str, Any] = {
        "owner": User.objects.filter(is_active=True),
        # A card keeps the customer that it has, seen or not.
        "contact": Contact.objects.choosable_by(user, item.contact_id),
        "company": Company.objects.choosable_by(user, item.company_id),
    }
    for name, value in sent.items():
        if name in links:
            values[name] = links[name].filter(pk=value).first() if value is not None else None
            if value is not None and values[name] is None:
                faults[name] = [_("There is no such record.")]
        elif name == "custom":
            for key, inner in (value or {}).items():
                _custom(item, key, inner, values, faults)
        elif name in ("title", "currency") and value is None:
            faults[name] = [_("This may not be empty.")]
        elif name in COLUMNS:
            values[name] = "" if value is None and name == "source" else value
    if faults:
        raise invalid(faults)
    return cleaned_for_item(item, values)


def _custom(item: Item, key: str, value: Any, values: dict[str, Any], faults: dict[str, list[str]]) -> None:
    name = f"custom.{key}"
    try:
        field: Any = field_for(item, name, False)
        values[name] = field.clean(field.described.type.as_sent(value))
    except ValidationError as error:
        faults[name] = [str(word) for word in error.messages]


@router.post("/items", response=answers(ItemOut, 201), summary="Add an item; the rules of its stage start")
@scope("write")
@idempotent
def add(request: HttpRequest, payload: ItemIn) -> Any:
    sent = payload.model_dump(exclude_unset=True)
    found = Pipeline.objects.visible_to(request.user).filter(pk=sent.pop("pipeline")).first()
    if found is None:
        raise invalid({"pipeline": [_("There is no such pipeline.")]})
    stage = Stage.active.filter(pk=sent.pop("stage", None) or 0, pipeline=found).first()
    if payload.stage and stage is None:
        raise invalid({"stage": [_("This stage is not part of the pipeline.")]})
    values = cleaned(request.user, Item(pipeline=found, item_type_id=found.item_type_id), sent)
    custom = {name[7:]: values.pop(name) for name in list(values) if name.startswith("custom.")}
    title = values.pop("title")
    values = {name: value for name, value in values.items() if value not in (None, "")}
    made = Item.create(found, title, stage=stage, by=signed_in(request), cause=API, custom=custom, **values)
    return Status(201, item_out(_fresh(made.pk)))


@router.get("/items/{pk}", response=answers(ItemOut), summary="One item")
@scope("read")
def item(request: HttpRequest, pk: Id) -> Any:
    only(request)
    return item_out(one(visible(request), pk))


@router.patch("/items/{pk}", response=answers(ItemOut), summary="Change fields of an item")
@scope("write")
@idempotent
def change(request: HttpRequest, pk: Id, payload: ItemChange) -> Any:
    found = one(visible(request), pk)
    sent = payload.model_dump(exclude_unset=True)
    version = sent.pop("version", None)
    found.change(cleaned(request.user, found, sent), by=request.user, cause=API, version=version)
    return item_out(_fresh(pk))


def _visit_key(request: HttpRequest, key: str) -> str:
    """The gate's own key of a move: of the whole request, since it is kept for ever and theirs only for a day."""
    asked = f"{token_of(request).pk}\n{key}\n{request.path}\n".encode() + request.body
    return f"api:{hashlib.sha256(asked).hexdigest()}"


class MoveIn(Schema):
    model_config = {"extra": "forbid"}
    stage: Id
    version: int | None = Field(default=None, ge=0, description="The version you saw; another one is 409 *stale*.")
    fields: ItemFields | None = Field(default=None, description="Fields that the stage needs, written with the move.")
    lost_reason: Id | None = None
    lost_note: str = Field(default="", max_length=2000)


@router.post("/items/{pk}/move", response=answers(ItemOut), summary="Move an item: the same gate as a drag")
@scope("write")
@idempotent
def move(request: HttpRequest, pk: Id, payload: MoveIn) -> Any:
    """409 *stale*: somebody was faster. 422 *needs_input*: the named fields are missing. 403, 410: in words."""
    found = one(visible(request), pk)
    stage = Stage.objects.filter(pk=payload.stage).first()
    if stage is None:
        raise invalid({"stage": [_("There is no such stage.")]})
    fields = cleaned(request.user, found, payload.fields.model_dump(exclude_unset=True)) if payload.fields else {}
    reason = LostReason.objects.filter(pk=payload.lost_reason).first() if payload.lost_reason else None
    if payload.lost_reason and reason is None:
        raise invalid({"lost_reason": [_("There is no such reason.")]})
    key = request.headers.get("Idempotency-Key", "").strip()
    moved = found.move_to(
        stage,
        MoveOptions(
            by=signed_in(request),
            cause=API,
            version=payload.version,
            fields=fields,
            reason=reason,
            note=payload.lost_note,
            key=_visit_key(request, key) if key else None,
        ),
    )
    if fields or moved.machine is None:
        return item_out(_fresh(moved.item.pk))
    return item_out(moved.item, moved.machine.stages[moved.item.stage_id])  # as just read under its lock


@router.delete("/items/{pk}", response=answers(None, 204), summary="To the recycle bin")
@scope("write")
def delete(request: HttpRequest, pk: Id) -> Any:
    one(visible(request), pk).delete_softly(by=request.user, cause=API)
    return Status(204, None)


@router.post("/items/{pk}/restore", response=answers(ItemOut), summary="Out of the recycle bin")
@scope("write")
@idempotent
def restore(request: HttpRequest, pk: Id) -> Any:
    found = Item.objects.deleted_for(signed_in(request)).filter(pk=pk).first()
    if found is None:
        raise Gone(_("This item is not in the recycle bin."))
    found.restore(by=signed_in(request))
    return item_out(_fresh(pk))


# ---------------------------------------------------------------------- what happened


@router.get("/events", response=answers(Page[EventOut]), summary="What happened", tags=["events"])
@scope("read")
def events(request: HttpRequest, limit: Limit = 50, cursor: Cursor = "", item: Id | None = None, kind: str = "") -> Any:
    """Of items that the person sees, newest first. `kind` as in `stage.entered`, or its beginning: `email.`"""
    only(request, "item", "kind")
    user: Any = request.user
    rows = Event.objects.filter(item__in=Item.objects.visible_to(user)).select_related("actor")
    rows = rows.exclude(customer_rights.concealed(user) & customer_rights.talk())
    if item is not None:
        rows = rows.filter(item_id=item)
    if kind:
        rows = rows.filter(kind__startswith=kind) if kind.endswith(".") else rows.filter(kind=kind)
    return page_of(rows, event_out, limit, cursor)
