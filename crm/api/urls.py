"""The API's addresses, its OpenAPI document and the page that shows it (files of our own, no third party)."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI

from crm import slots
from crm.api.auth import Bearer
from crm.api.errors import handle_errors
from crm.ground.access import public

api = NinjaAPI(
    title="Dealwright",
    version="1",
    description=(
        "Everything a program may do in Dealwright, with a personal token and that person's rights.\n\n"
        'Errors have one shape: `{"error": {"code", "message", "fields"}}`. Lists go on with `cursor`. '
        "A request that writes may carry an `Idempotency-Key`: sent again it has one effect and one answer."
    ),
    urls_namespace="api",
    auth=Bearer(),
    docs_url="/docs",
    openapi_url="/openapi.json",
    docs_decorator=public,
)
handle_errors(api)
for router in slots.api_routers:
    api.add_router("", router)


def routes() -> Any:
    """Each view says that its audience are tokens (crm/ground/access.py)."""
    patterns, app_name, namespace = api.urls
    for pattern in patterns:
        view: Any = pattern.callback
        if not hasattr(view, "audience"):
            view.audience = "tokens"
    return patterns, app_name, namespace
