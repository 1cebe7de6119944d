"""What a request gets when something broke: 503 while the database is away, 500 else."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views.defaults import server_error

RETRY_SECONDS = "10"


def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler500. Nothing here may ask the database, nor the session."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return server_error(request)
    headers = {"Retry-After": RETRY_SECONDS}
    if request.path.startswith("/api/"):
        error = {"code": "unavailable", "message": "The database does not answer; please try again."}
        return JsonResponse({"error": error}, status=503, headers=headers)
    return HttpResponse(loader.get_template("503.html").render(), status=503, headers=headers)
