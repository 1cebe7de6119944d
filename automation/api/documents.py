"""A pipeline's automation as one document for programs: draft, publication, versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema
from ninja import Status as Answer
from pydantic import Field

from automation.api.rules import refusing
from automation.document import Document, Fault
from automation.publishing import drafts, text
from automation.publishing.comparing import Change, compare
from automation.publishing.models import Draft, Publication
from automation.publishing.references import Translator
from automation.publishing.rows import Live, read
from automation.publishing.words import Words
from crm.api.auth import scope
from crm.api.errors import ApiError, answers, invalid
from crm.api.idempotency import idempotent
from crm.api.paging import Cursor, Id, Limit, one, only, page_of
from crm.api.schemas import Page, moment
from crm.models import Pipeline
from crm.people.signed_in import signed_in

router = Router(tags=["automation"])
PATH = "/pipelines/{pk}/automation"
Form = Literal["ids", "names", "text"]


class FaultOut(Schema):
    place: str = Field(description='Where in the document: "stages.12.rules.sms.settings.text".')
    sentence: str


class ChangeOut(Schema):
    what: Literal["rule", "trigger", "set", "variable"]
    id: str
    verb: str
    sentence: str
    details: list[list[str]] = Field(description="What, before and after, in words.")
    gives: bool = Field(description="Whether it acts with the rights of who publishes it from then on.")
    author: int | None = Field(default=None, description="Of a draft: whose change it is.")


class AutomationOut(Schema):
    version: int = Field(description="What it is, or was made from; 0 before anything was published.")
    revision: int = Field(description="Of the draft; 0: there is none, and this is what is live.")
    document: dict[str, Any] | None = Field(description="With ids of rows, or with names; null with *form=text*.")
    text: str = Field(default="", description="With *form=text*.")
    switches: dict[str, bool] = Field(description="On or off by id: live, and no part of the document.")
    changes: list[ChangeOut] = []
    faults: list[FaultOut] = []


class DraftIn(Schema):
    model_config = {"extra": "forbid"}
    revision: int = Field(ge=0, description="Of the draft that was read; 0: there was none.")
    document: dict[str, Any] | None = Field(default=None, description="With ids of rows.")
    text: str | None = Field(default=None, max_length=text.MOST_BYTES, description="In place of it: YAML, by names.")


class PublishIn(Schema):
    model_config = {"extra": "forbid"}
    revision: int = Field(ge=1)
    name: str = Field(default="", max_length=80)
    note: str = Field(default="", max_length=2000)
    only_mine: bool = Field(default=False, description="What others changed stays in the draft.")
    decisions: dict[str, Literal["new", "old", "cancel"]] = Field(
        default={}, description="By id of a rule, what its planned runs do; else they take the new settings."
    )


class AutomationVersionOut(Schema):
    version: int
    name: str
    note: str
    origin: str
    published_by: int | None
    published_at: str | None


def version_out(row: Publication) -> dict[str, Any]:
    return {
        "version": row.number,
        "name": row.name,
        "note": row.note,
        "origin": row.origin,
        "published_by": row.published_by_id,
        "published_at": moment(row.published_at),
    }


def _seen(request: HttpRequest, pk: int) -> Pipeline:
    found: Pipeline = one(Pipeline.objects.visible_to(signed_in(request)), pk)
    return found


def _configured(request: HttpRequest, pk: int) -> Pipeline:
    found: Pipeline = one(Pipeline.objects.configured_by(signed_in(request)), pk)
    return found


def _shown(
    pipeline: Pipeline, document: Document, form: Form, switches: dict[str, bool], number: int
) -> dict[str, Any]:
    made: dict[str, Any] = {"version": number, "revision": 0, "switches": switches, "document": None}
    if form == "text":
        return made | {"text": text.dump(pipeline, document, switches, number)}
    if form == "names":
        return made | {"document": Translator(pipeline, document).named()}
    return made | {"document": document.plain()}


def _faults(faults: list[Fault]) -> list[dict[str, str]]:
    return [{"place": fault.place, "sentence": fault.sentence} for fault in faults[:200]]


def _changes(live: Live, changes: list[Change], document: Document, authors: dict[str, int]) -> list[dict[str, Any]]:
    lines = Words(live.pipeline, live.document, document).lines(changes)
    return [
        {
            "what": line.change.what,
            "id": line.change.id,
            "verb": line.change.verb,
            "sentence": line.sentence,
            "details": [list(row) for row in line.details],
            "gives": line.gives,
            "author": authors.get(line.change.id),
        }
        for line in lines
    ]


@router.get(PATH, response=answers(AutomationOut), summary="The automation of a pipeline as it is live")
@scope("read")
def automation(request: HttpRequest, pk: Id, form: Form = "ids") -> Any:
    only(request, "form")
    live = read(_seen(request, pk))
    return _shown(live.pipeline, live.document, form, live.switches(), live.number)


def _draft_out(request: HttpRequest, live: Live, draft: Draft | None, form: Form) -> dict[str, Any]:
    document = drafts.document_of(draft) if draft is not None else live.document
    number = draft.base.number if draft is not None else live.number
    made = _shown(live.pipeline, document, form, live.switches(), number)
    return made | {
        "revision": draft.revision if draft is not None else 0,
        "changes": _changes(live, compare(live.document, document), document, draft.authors if draft else {}),
        "faults": _faults(drafts.faults_of(live, document, signed_in(request))),
    }


@router.get(
    f"{PATH}/draft", response=answers(AutomationOut), summary="The draft, what it changes, what is wrong with it"
)
@scope("read")
def draft(request: HttpRequest, pk: Id, form: Form = "ids") -> Any:
    """Without a draft: what is live."""
    only(request, "form")
    pipeline = _configured(request, pk)
    return _draft_out(request, read(pipeline), drafts.draft_of(pipeline), form)


@router.put(f"{PATH}/draft", response=answers(AutomationOut), summary="Save the draft; a faulty one is kept as well")
@scope("rules")
@idempotent
def save_draft(request: HttpRequest, pk: Id, payload: DraftIn) -> Any:
    """409 *stale*: somebody has edited it meanwhile. What cannot be read at all is refused with its place."""
    pipeline = _configured(request, pk)
    if (payload.document is None) == (payload.text is None):
        raise invalid({"document": [_("Send either a document or a text.")]})
    faults: list[Fault] = []
    with refusing():
        if payload.text is not None:
            document, faults = text.load(pipeline, payload.text)
        else:
            document = Document.parse(payload.document)
    with _told():
        made = drafts.save(pipeline, document, signed_in(request), payload.revision)
    found = _draft_out(request, read(pipeline), made, "ids")
    return found | {"faults": [*_faults(faults), *found["faults"]]}


@router.delete(f"{PATH}/draft", response=answers(None, 204), summary="Discard the draft; what is live stays")
@scope("rules")
@idempotent
def discard_draft(request: HttpRequest, pk: Id) -> Any:
    drafts.discard(_configured(request, pk))
    return Answer(204, None)


@router.post(f"{PATH}/publish", response=answers(AutomationOut), summary="Publish the draft")
@scope("rules")
@idempotent
def publish_draft(request: HttpRequest, pk: Id, payload: PublishIn) -> Any:
    """Its changed rules act with the rights of the token's person. 422: faults by place; 409: published otherwise meanwhile."""
    pipeline = _configured(request, pk)
    sent = payload.model_dump()
    with refusing(), _told():
        drafts.publish_draft(pipeline, signed_in(request), sent.pop("revision"), **sent)
    live = read(pipeline)
    return _shown(pipeline, live.document, "ids", live.switches(), live.number)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except drafts.Outdated as error:
        version = error.draft.revision if error.draft is not None else 0
        raise ApiError(409, "stale", str(error), version=version) from error
    except drafts.Conflict as error:
        raise ApiError(409, "conflict", str(error)) from error


# ---------------------------------------------------------------------- versions


def _version(request: HttpRequest, pk: int, number: int) -> Publication:
    rows = Publication.objects.filter(pipeline=_configured(request, pk), number=number)
    found: Publication = one(rows.select_related("pipeline"), rows.values_list("pk", flat=True).first() or 0)
    return found


@router.get(
    f"{PATH}/versions", response=answers(Page[AutomationVersionOut]), summary="Published versions, the newest first"
)
@scope("read")
def versions(request: HttpRequest, pk: Id, limit: Limit = 50, cursor: Cursor = "") -> Any:
    only(request)
    return page_of(Publication.objects.filter(pipeline=_configured(request, pk)), version_out, limit, cursor)


@router.get(f"{PATH}/versions/{{number}}", response=answers(AutomationOut), summary="One version")
@scope("read")
def version(request: HttpRequest, pk: Id, number: Id, form: Form = "ids") -> Any:
    only(request, "form")
    found = _version(request, pk, number)
    document = Document.model_validate(found.document)
    return _shown(found.pipeline, document, form, found.switches, found.number)


@router.post(f"{PATH}/versions/{{number}}/restore", response=answers(AutomationOut), summary="Make it the draft")
@scope("rules")
@idempotent
def restore(request: HttpRequest, pk: Id, number: Id, switches: bool = False) -> Any:
    """Publishing the draft brings it back. *switches*: switch on and off as it was then as well, at once."""
    found = _version(request, pk, number)
    made = drafts.restore(found, signed_in(request), switches=switches)
    return _draft_out(request, read(found.pipeline), made, "ids")
