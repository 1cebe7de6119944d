"""Apps for programs: installed by administrators; what an app itself may say, with its own token."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from ninja.security import HttpBearer
from pydantic import Field, StrictBool, StrictFloat, StrictInt

from automation.remote import answers as remote_answers
from automation.remote import firing, installing
from automation.remote.models import App, AppType
from crm.api.auth import check_body, count_request, scope
from crm.api.errors import ApiError, answers, invalid
from crm.api.paging import only
from crm.api.schemas import Visible, moment
from crm.people.signed_in import signed_in

router = Router(tags=["apps"])
Language = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]{2,4})?$")]
Names = Annotated[dict[Language, Annotated[Visible, Field(max_length=80)]], Field(min_length=1, max_length=40)]
Texts = Annotated[dict[Language, Annotated[str, Field(max_length=300)]], Field(max_length=40)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]


class Strict(Schema):
    model_config = {"extra": "forbid"}


class AppOptionIn(Strict):
    value: Annotated[Visible, Field(max_length=80)]
    name: Names


class AppFieldIn(Strict):
    key: Key
    name: Names
    help: Texts = {}
    type: str = Field(default="text", max_length=20, description="text, long_text, number, boolean, choice, user.")
    required: StrictBool = False
    options: list[AppOptionIn] = Field(default=[], max_length=200, description="Of a *choice*.")


class AppOutputIn(Strict):
    key: Key
    name: Names
    type: Literal["text", "number", "boolean"] = "text"


class AppTypeIn(Strict):
    key: Key
    name: Names = Field(description="By language; English is shown where a reader's is missing.")
    help: Texts = {}
    synonyms: Texts = Field(default={}, description="Other words to find it by, with commas.")
    example: Texts = Field(default={}, description="What it is used for, in one sentence.")
    icon: str = Field(default="", max_length=40)
    fields: list[AppFieldIn] = Field(default=[], max_length=30)


class AppActionIn(AppTypeIn):
    address: str = Field(max_length=500, description="It is called there, signed; https, and no private network.")
    outputs: list[AppOutputIn] = Field(default=[], max_length=50, description="What later rules read of its answer.")
    minutes: int = Field(default=60, ge=1, le=129_600, description="It has to answer within, where it answers later.")


class AppChange(Strict):
    name: Names
    about: Texts = {}
    sends: list[Annotated[str, Field(max_length=80)]] = Field(
        default=[],
        max_length=100,
        description="Merge fields that each call of it brings: contact.phone, item.custom.size.",
    )
    actions: list[AppActionIn] = Field(default=[], max_length=50)
    triggers: list[AppTypeIn] = Field(default=[], max_length=50)


class AppIn(AppChange):
    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,19}$")]


class AppActionOut(AppActionIn):
    type: str = Field(description="As rules name it in `action`.")


class AppTriggerOut(AppTypeIn):
    type: str = Field(description="As triggers name it in `type`.")


class AppOut(Schema):
    key: str
    name: Names
    about: Texts
    sends: list[str]
    actions: list[AppActionOut]
    triggers: list[AppTriggerOut]
    installed_at: str | None
    removed_at: str | None


class AppMade(AppOut):
    token: str = Field(description="Its own, shown once: it answers and fires with it.")
    secret: str = Field(description="Calls of it are signed with it (Standard Webhooks).")


def app_out(app: App) -> dict[str, Any]:
    declared: dict[str, list[Any]] = {kind: [] for kind in AppType.Kind.values}
    for row in app.types.filter(is_gone=False).select_related("app"):
        declared[row.kind].append({**row.declared, "key": row.key, "type": row.full_key})
    return {
        "key": app.key,
        "name": app.names,
        "about": app.about,
        "sends": app.sends,
        "actions": declared[AppType.Kind.ACTION],
        "triggers": declared[AppType.Kind.TRIGGER],
        "installed_at": moment(app.installed_at),
        "removed_at": moment(app.removed_at),
    }


def _administrator(request: HttpRequest) -> Any:
    user = signed_in(request)
    if not user.is_superuser:
        raise ApiError(403, "forbidden", _("Administrators install apps."))
    return user


def _installed(key: str) -> App:
    found = App.objects.filter(key=key, removed_at=None).first()
    if found is None:
        raise ApiError(404, "not_found", _("There is no such app."))
    return found


def _judged(payload: AppChange) -> dict[str, Any]:
    manifest = payload.model_dump()
    faults = installing.faults_of(manifest)
    if faults:
        raise invalid(faults)
    return manifest


@router.get("/apps", response=answers(list[AppOut]), summary="Installed apps, and those that were removed")
@scope("read")
def apps(request: HttpRequest) -> Any:
    only(request)
    _administrator(request)
    return [app_out(app) for app in App.objects.all()]


@router.post("/apps", response=answers(AppMade, 201), summary="Install an app: its actions and triggers")
@scope("apps")
def install(request: HttpRequest, payload: AppIn) -> Any:
    """An administrator's token. All processes know it within two seconds."""
    user = _administrator(request)
    if App.objects.filter(key=payload.key, removed_at=None).exists():
        raise invalid({"key": [_("This app is installed already.")]})
    app, token = installing.install(_judged(payload), user)
    return Status(201, app_out(app) | {"token": token, "secret": app.open_secret()})


@router.put("/apps/{key}", response=answers(AppOut), summary="Change what an app declares")
@scope("apps")
def change(request: HttpRequest, key: str, payload: AppChange) -> Any:
    _administrator(request)
    return app_out(installing.change(_installed(key), _judged(payload)))


@router.delete("/apps/{key}", response=answers(None, 204), summary="Remove an app; its rules fail with its name")
@scope("apps")
def remove(request: HttpRequest, key: str) -> Any:
    _administrator(request)
    installing.remove(_installed(key))
    return Status(204, None)


@router.post("/apps/{key}/credentials", response=answers(AppMade), summary="Another token and secret for an app")
@scope("apps")
def credentials(request: HttpRequest, key: str) -> Any:
    _administrator(request)
    app = _installed(key)
    token = installing.new_credentials(app)
    return app_out(app) | {"token": token, "secret": app.open_secret()}


# ---------------------------------------------------------------------- what an app says


class AppBearer(HttpBearer):
    """`Authorization: Bearer dwa_…`: an app's own token. It is nobody of ours, and opens these operations alone."""

    openapi_description = "The token that an app was given when it was installed."

    def authenticate(self, request: HttpRequest, token: str) -> App | None:
        app = App.by_token(token)
        if app is not None:
            count_request(f"app:{app.pk}")
            check_body(request)
            asked: Any = request
            asked.app = app
        return app


def _app(request: HttpRequest) -> App:
    asked: Any = request
    found: App = asked.app
    return found


Plain = Annotated[str, Field(max_length=500)] | StrictBool | StrictInt | StrictFloat | None


class Fired(Strict):
    item: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="What `find_by` says.")
    find_by: Literal["id", "external_id", "phone", "email"] = "id"
    values: dict[Key, Plain] = Field(default={}, max_length=30)
    key: Annotated[str, Field(min_length=1, max_length=60)] = Field(description="The same again is the same happening.")


class AppAnswerIn(Strict):
    status: Literal["done", "failed"]
    outputs: dict[Key, Any] = Field(default={}, max_length=50, description="By name, as they were declared.")
    summary: str = Field(default="", max_length=500, description="One line for the card.")
    reason: str = Field(default="", max_length=500, description="Of a failure, one sentence for people.")


class Taken(Schema):
    taken: bool


@router.get("/app", response=answers(AppOut), summary="An app asks who it is", auth=AppBearer())
def myself(request: HttpRequest) -> Any:
    only(request)
    return app_out(_app(request))


@router.post("/app/answers/{token}", response=answers(Taken), summary="An app answers a call, later", auth=AppBearer())
def answer(request: HttpRequest, token: str, payload: AppAnswerIn) -> Any:
    """Once, and in time."""
    try:
        remote_answers.take(_app(request), token, payload.model_dump())
    except remote_answers.BadAnswer as fault:
        raise invalid({fault.field or "body": [str(fault.sentence)]}) from fault
    return {"taken": True}


@router.post(
    "/app/triggers/{key}", response=answers(Taken, 202), summary="An app says that it happened", auth=AppBearer()
)
def fired(request: HttpRequest, key: str, payload: Fired) -> Any:
    """Taken whether or not such a card is there, or a trigger listens: an app learns nothing of cards by asking."""
    app = _app(request)
    row = app.types.filter(kind=AppType.Kind.TRIGGER, key=key, is_gone=False).first()
    if row is None:
        raise ApiError(404, "not_found", _("This app has declared no such trigger."))
    known = {one["key"] for one in row.declared["fields"]}
    odd = {f"values.{name}": [_("There is no such setting.")] for name in payload.values if name not in known}
    if odd:
        raise invalid(odd)
    firing.fire(app, row, payload.find_by, payload.item, payload.values, payload.key)
    return Status(202, {"taken": True})
