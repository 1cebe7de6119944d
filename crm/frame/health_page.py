"""/healthz for monitors: 200 when all is well, 503 with the sentences when not."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse

from crm.frame import health
from crm.ground.access import public


@public
def healthz(request: HttpRequest) -> JsonResponse:
    try:
        lines = health.lines()
    except DatabaseError:
        return JsonResponse({"ok": False, "faults": ["The database does not answer."]}, status=503)
    faults = [line.fault for line in lines if line.fault]
    figures = {line.name: line.figure for line in lines if line.figure}
    return JsonResponse({"ok": not faults, "faults": faults, "late": figures}, status=503 if faults else 200)
