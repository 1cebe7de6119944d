"""One shape for everything that goes wrong: {"error": {"code", "message", "fields", …}}."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as RequestInvalid
from pydantic import Field

from crm.ground.refused import Refused
from crm.items.filters import BadFilter
from crm.items.models.gate import NeedsInput, Stale
from crm.messages.sending import CannotSend


class ErrorBody(Schema):
    code: str = Field(description="A word for programs: stale, needs_input, forbidden, gone, invalid, not_found …")
    message: str = Field(description="A sentence for people, in the language of the token's person.")
    fields: dict[str, list[str]] = Field(default={}, description="By field of the request: what is wrong with it.")
    version: int | None = Field(default=None, description="With *stale*: the item's version now.")


class ErrorOut(Schema):
    error: ErrorBody


# What every operation may answer besides its success.
FAULTS = frozenset({400, 401, 403, 404, 409, 410, 413, 422, 429})


def answers(schema: Any, status: int = 200) -> dict[Any, Any]:
    """The `response` of an operation: its success, and the one error shape."""
    return {status: schema, FAULTS: ErrorOut}


class ApiError(Exception):
    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
        version: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.fields = status, code, fields or {}
        self.headers, self.version = headers or {}, version


def invalid(fields: dict[str, list[str]]) -> ApiError:
    """422 with what is wrong, by field."""
    message = "; ".join(f"{name}: {' '.join(words)}" for name, words in fields.items())
    return ApiError(422, "invalid", message or _("Something in the request is wrong."), fields)


def form_errors(form: Any) -> ApiError:
    """422 from a Django form's errors."""
    return invalid({name: [str(word) for word in words] for name, words in form.errors.items()})


# ---------------------------------------------------------------------- exceptions of lower layers, as ours


def _refused(error: Refused) -> ApiError:
    fields = {name: [_("needed by the stage")] for name in error.missing} if isinstance(error, NeedsInput) else {}
    version = error.item.version if isinstance(error, Stale) else None
    return ApiError(error.status, error.code, error.sentence, fields, version=version)


def _request_invalid(error: RequestInvalid) -> ApiError:
    fields: dict[str, list[str]] = {}
    for one in error.errors:
        place = [str(part) for part in one["loc"] if part not in ("body", "query", "path", "header", "payload")]
        fields.setdefault(".".join(place) or "body", []).append(str(one["msg"]))
    return invalid(fields)


def _unauthorised(error: AuthenticationError) -> ApiError:
    words = _("Send a valid token: “Authorization: Bearer dw_…”.")
    return ApiError(401, "unauthorised", words, headers={"WWW-Authenticate": "Bearer"})


def _not_valid(error: ValidationError) -> ApiError:
    return invalid(error.message_dict if hasattr(error, "error_dict") else {"body": error.messages})


TRANSLATIONS: dict[type[Exception], Callable[[Any], ApiError]] = {
    ApiError: lambda error: error,
    Refused: _refused,
    RequestInvalid: _request_invalid,
    AuthenticationError: _unauthorised,
    ValidationError: _not_valid,
    HttpError: lambda error: ApiError(error.status_code, "invalid", str(error)),
    BadFilter: lambda error: ApiError(400, "unknown_filter", str(error), {error.name: [str(error)]}),
    Http404: lambda error: ApiError(404, "not_found", _("There is nothing here, or it is not yours to see.")),
    CannotSend: lambda error: ApiError(422, "cannot_send", str(error)),
    RequestDataTooBig: lambda error: ApiError(413, "too_large", _("The request is larger than may be sent.")),
    PermissionDenied: lambda error: ApiError(403, "forbidden", str(error) or _("You may not do this.")),
}


def handle_errors(api: NinjaAPI) -> None:
    """Answer every exception of TRANSLATIONS in the one shape."""

    def answer(request: HttpRequest, raised: Any, translate: Callable[[Any], ApiError]) -> HttpResponse:
        error = translate(raised)
        body = {"code": error.code, "message": str(error), "fields": error.fields, "version": error.version}
        made: HttpResponse = api.create_response(request, {"error": body}, status=error.status)
        for name, value in error.headers.items():
            made[name] = value
        return made

    for kind, translate in TRANSLATIONS.items():
        api.add_exception_handler(kind, partial(answer, translate=translate))
