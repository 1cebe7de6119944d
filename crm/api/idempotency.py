"""`Idempotency-Key`: the same request sent again, by a client that lost the answer, has one effect and one answer."""

from __future__ import annotations

import functools
import hashlib
import inspect
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Status

from crm.api.auth import token_of
from crm.api.errors import ApiError
from crm.api.models import ApiCall
from crm.ground import clock, databases
from crm.work.queue import Kind, every, register_kind

KEPT = timedelta(days=1)


def idempotent(operation: Any) -> Any:
    """For operations that write; without the header they run as they are.

    The key's row is written in the transaction of the work, so a repetition that arrives at the same moment waits
    for the first one, and a request that was refused may be sent again with its key.
    """

    @functools.wraps(operation)
    def once(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        key = request.headers.get("Idempotency-Key", "").strip()
        if not key:
            return operation(request, *args, **kwargs)
        if len(key) > 120:
            raise ApiError(422, "invalid", _("An Idempotency-Key has at most 120 characters."))
        token: Any = token_of(request)
        asked = f"{request.method} {request.get_full_path()}\n".encode() + request.body
        print_ = hashlib.sha256(asked).hexdigest()

        def work() -> Any:
            row = ApiCall.objects.create(token=token, key=key, fingerprint=print_)
            result = operation(request, *args, **kwargs)
            kept = (result.status_code, result.value) if isinstance(result, Status) else (200, result)
            ApiCall.objects.filter(pk=row.pk).update(status=kept[0], answer=kept[1])
            return result

        known = ApiCall.objects.filter(token=token, key=key).first()
        if known is None:
            try:
                return databases.persistently(work)
            except IntegrityError:
                known = ApiCall.objects.filter(token=token, key=key).first()
                if known is None:
                    raise
        if known.fingerprint != print_:
            raise ApiError(422, "key_reused", _("This Idempotency-Key was used for another request."))
        return Status(known.status, known.answer)

    seen: Any = once
    seen.__signature__ = inspect.signature(operation, eval_str=True)
    return once


def forget_calls(job: Any) -> None:
    with transaction.atomic():
        ApiCall.objects.filter(created_at__lt=clock.now() - KEPT).delete()


register_kind(Kind("forget_api_calls", forget_calls))
every("forget_api_calls", timedelta(hours=1))
