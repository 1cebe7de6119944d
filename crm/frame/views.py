"""What every page's frame shows: navigation, bell, banner, theme, nonce."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from crm import slots
from crm.frame import health
from crm.ground.access import public
from crm.items import customer_rights
from crm.notices.models.notifications import Notification
from crm.people.models import User
from crm.pipelines.models import Pipeline


def pipelines_for(user: User) -> list[Pipeline]:
    """The pipelines in use that the user may see, in their order; one query."""
    return list(Pipeline.objects.in_use().visible_to(user).select_related("item_type"))


def context(request: HttpRequest) -> dict[str, Any]:
    """Asked for once, and only by templates that name it: a public page pays for none of it."""
    user: Any = getattr(request, "user", None)

    @cache
    def nav_pipelines() -> list[Pipeline]:
        return pipelines_for(user) if user is not None and user.is_authenticated else []

    @cache
    def unread() -> int:
        return Notification.objects.filter(user=user, read_at__isnull=True).count() if user.is_authenticated else 0

    return {
        "csp_nonce": lambda: str(getattr(request, "csp_nonce", "")),
        "nav_pipelines": nav_pipelines,
        "unread": unread,
        "nav_links": slots.nav_links,
        "works_here": cache(lambda: user is not None and user.is_authenticated and customer_rights.works_here(user)),
        "health_banner": cache(health.banner),
        "theme": request.COOKIES.get("theme", ""),
    }


@public
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: what in the address cannot be read, in words."""
    name = getattr(exception, "name", "")
    without = ""
    if name and name in request.GET:
        rest = request.GET.copy()
        del rest[name]
        without = f"{request.path}?{rest.urlencode()}"
    return render(request, "400.html", {"sentence": str(exception), "name": name, "without": without}, status=400)
