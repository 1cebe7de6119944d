"""Who a view is for: every view declares its audience, and a check at start refuses one that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core import checks
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from crm import slots
from crm.ground.refused import Refused

View = TypeVar("View", bound=Callable[..., Any])


def peer(request: HttpRequest) -> str:
    """Who asks, as an IP address. Behind a proxy of ours (BEHIND_PROXY) it is the last hop that the proxy wrote."""
    if settings.BEHIND_PROXY:
        hops = request.headers.get("X-Forwarded-For", "").split(",")
        if hops[-1].strip():
            return hops[-1].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def page_of(request: HttpRequest) -> str:
    """The page that the person looked at: its own address, or that of the page whose form was sent."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    page = urlsplit(request.headers.get("Referer", ""))
    if not page.path or not url_has_allowed_host_and_scheme(page.geturl(), {request.get_host()}):
        return "/"
    return "/" + page.path.lstrip("/\\") + (f"?{page.query}" if page.query else "")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token is gone or old: nothing was done. A new one comes along, and what was typed is kept."""
    get_token(request)
    if request.headers.get("HX-Request") or request.headers.get("X-Requested-With"):
        return HttpResponse(status=403, headers={"X-Csrf-Failure": "1"})
    return render(request, "403_csrf.html", {"back": page_of(request)}, status=403)


def public(view: View) -> View:
    """Anybody, without an account and without a cookie. The opt-out is explicit."""
    view.audience = "public"  # type: ignore[attr-defined]  # Django lets a view carry marks
    return view


def staff_of_ours(view: View) -> View:
    """Any active user of ours; others are sent to the login."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            if request.headers.get("HX-Request") or request.headers.get("X-Requested-With"):
                return HttpResponse(status=401)  # the script keeps what was typed, and leads to the login
            return redirect_to_login(page_of(request))
        answer: HttpResponse = view(request, *args, **kwargs)
        return answer

    guarded.audience = "users"  # type: ignore[attr-defined]  # Django lets a view carry marks
    return guarded  # type: ignore[return-value]  # Django lets a view carry marks


def administrators_only(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied
        answer: HttpResponse = view(request, *args, **kwargs)
        return answer

    checked: Any = staff_of_ours(guarded)
    checked.audience = "administrators"
    return checked


def _declares(view: Any) -> bool:
    declared = hasattr(view, "audience") or hasattr(getattr(view, "view_class", None), "audience")
    # The admin site guards itself, with the same users.
    return declared or hasattr(view, "admin_site") or hasattr(view, "model_admin")


def _views(patterns: Iterable[Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from _views(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), pattern.callback


@checks.register(checks.Tags.security)
def every_view_declares_its_audience(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    return [
        checks.Error(
            f"The view of “{route}” does not declare its audience.",
            hint="Decorate it with one of crm.ground.access: public, staff_of_ours, administrators_only.",
            id="crm.E001",
        )
        for route, view in _views(get_resolver().url_patterns)
        if not _declares(view)
    ]


def _audience(view: Any) -> str:
    return getattr(view, "audience", "administrators")


def _has_to_set_up(request: HttpRequest, match: Any) -> bool:
    """A second factor is asked for and missing: nothing opens but the pages where it is set up."""
    own = match is not None and str(match.url_name or "").startswith(("mfa_", "account_"))
    return not own and request.user.is_authenticated and any(lacks(request.user) for lacks in slots.held_back)


# All that the domain of links in mails answers for.
LINK_PAGES = ("mail-open", "mail-link", "mail-unsubscribe")


def _is_foreign(request: HttpRequest) -> bool:
    """By the name alone: case, port and a last dot are spellings of the same host."""
    return bool(settings.LINK_HOST) and _host(request.get_host()) == _host(settings.LINK_HOST)


def _host(text: str) -> str:
    return text.lower().partition(":")[0].rstrip(".")


class AddressMiddleware:
    """400 for an address that no database could look for: NUL in path or query, numbers without end.

    Bodies are not touched: forms and the API judge each field of theirs, and a lead is never lost for a character.
    """

    LARGEST = 2**63 - 1  # of a number that a column holds

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self._is_odd(request):
            if request.path.startswith("/api/"):
                told: dict[str, Any] = {
                    "code": "bad_address",
                    "message": "The address cannot be read.",
                    "fields": {},
                    "version": None,
                }
                return JsonResponse({"error": told}, status=400)
            return HttpResponseBadRequest("400", content_type="text/plain; charset=utf-8")
        return self.get_response(request)

    def _is_odd(self, request: HttpRequest) -> bool:
        # Bytes that are no letters become marks, as in the forms themselves: an advertisement's address may be cut anywhere.
        if "\0" in request.path or "\0" in unquote(request.META.get("QUERY_STRING", "")):
            return True
        numbers = (part for part in request.path.split("/") if part.isascii() and part.isdigit())
        return any(len(number) > 19 or int(number) > self.LARGEST for number in numbers)


class AudienceMiddleware:
    """What the check finds at start is also refused at run time; pages of users are never cached by others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if _is_foreign(request) and (match is None or match.url_name not in LINK_PAGES):
            raise Http404
        if match is not None and match.app_name == "admin":
            if not request.user.is_authenticated:
                return redirect_to_login(page_of(request))
        elif not _declares(view):
            raise PermissionDenied
        if _audience(view) in ("users", "administrators") and _has_to_set_up(request, match):
            return redirect("mfa_index")
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A refusal that no view answered itself: its sentence, as a toast or as a page; nothing was changed."""
        if not isinstance(exception, Refused):
            return None
        part = request.headers.get("HX-Request") or request.headers.get("X-Requested-With")
        template = "board/_refused.html" if part else "403.html"
        return render(
            request, template, {"sentence": exception.sentence, "title": _("Not done")}, status=exception.status
        )


class PersonMiddleware:
    """The signed-in person's language and time zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Public pages set no cookie and read none: the session is not even opened there.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language
            timezone.activate(request.user.zone)
        response = self.get_response(request)
        timezone.deactivate()
        return response
