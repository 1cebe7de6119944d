"""Bearer tokens, their scopes, and how many requests a minute one may make."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from crm.api.errors import ApiError
from crm.api.models import ApiToken
from crm.ground import characters

log = logging.getLogger("dealwright.api")


class Bearer(HttpBearer):
    """`Authorization: Bearer dw_…`; the request then acts as the token's person, in their language and zone."""

    openapi_description = "A personal token, made in the administration or by `manage.py token EMAIL`."

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        found = ApiToken.read(token)
        if found is None:
            return None
        count_request(f"api:{found.pk}")
        check_body(request)
        request.user = found.user
        asked: Any = request
        asked.api_token = found
        getattr(request, "audited", {})["actor"] = found.user  # whose change the audit log names
        translation.activate(found.user.language)
        timezone.activate(found.user.zone)
        return found


def token_of(request: HttpRequest) -> ApiToken:
    """The token that the request was let in with."""
    asked: Any = request
    found: ApiToken = asked.api_token
    return found


def check_body(request: HttpRequest) -> None:
    """Whatever kind it says it is of: what is no JSON is answered where it is parsed."""
    if (request.content_type or "").startswith("multipart/") or not request.body:
        return
    try:
        characters.read_json(request.body)
    except characters.CannotKeep as error:
        sentence = _("A value cannot be kept: NUL, half a letter, or a number without end.")
        raise ApiError(422, "invalid", sentence) from error
    except ValueError:
        pass


def count_request(caller: str) -> None:
    """Raises ApiError 429 over the caller's limit of the current minute."""
    minute = int(time.time() // 60)
    key = f"{caller}:{minute}"
    # Shared where there is Redis; a table of the database would cost each request a write.
    counts = caches["default" if settings.REDIS_URL else "near"]
    try:
        counts.add(key, 0, timeout=120)
        count = counts.incr(key)
    except Exception:
        # The counter is a courtesy: without its store requests pass (the store was flushed, or is down).
        log.warning("requests are not counted", exc_info=True)
        return
    if count > settings.API_REQUESTS_A_MINUTE:
        wait = 60 - int(time.time()) % 60
        raise ApiError(
            429, "too_many", _("Too many requests; please wait %d seconds.") % wait, headers={"Retry-After": str(wait)}
        )


def scope(needed: str) -> Callable[[Any], Any]:
    """An operation's scope; a token without it gets 403 and is told which one is missing."""

    def decorate(operation: Any) -> Any:
        @functools.wraps(operation)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            token = token_of(request)
            if needed not in token.scopes:
                raise ApiError(403, "scope", _("This token has no scope “%s”.") % needed)
            return operation(request, *args, **kwargs)

        # ninja would look for the names of the annotations in this module.
        seen: Any = checked
        seen.__signature__ = inspect.signature(operation, eval_str=True)
        return checked

    return decorate
