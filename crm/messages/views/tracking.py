"""The picture and the links of mails to customers. No cookie is set; the address is of one message alone."""

from __future__ import annotations

import base64
import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from crm.company.models import OwnCompany
from crm.ground.access import public
from crm.ground.robots import is_proxy, is_robot
from crm.messages import tracking
from crm.messages.models.messages import Medium, Message, MessageLink

POINT = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def _private(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "no-store, private"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _is_customer(request: HttpRequest) -> bool:
    return request.method == "GET" and not request.user.is_authenticated


@public
@require_safe
def mail_open(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Always the same picture, known message or not."""
    proxy = is_proxy(request)
    if _is_customer(request) and (proxy or not is_robot(request)):
        tracking.opened(public_id, proxy)
    return _private(HttpResponse(POINT, content_type="image/gif"))


@public
@require_safe
def mail_link(request: HttpRequest, public_id: uuid.UUID, place: int) -> HttpResponse:
    """On to where the mail's link leads; only addresses that stood in the mail."""
    # Not the mail itself, which may be long.
    rows = MessageLink.objects.select_related("message").only("url", "clicked_at", "message__sent_at")
    link = rows.filter(message__public_id=public_id, place=place).order_by("pk").first()
    if link is None:
        raise Http404
    if _is_customer(request) and not is_robot(request):
        tracking.clicked(link)
    return _private(HttpResponseRedirect(link.url))


@public
@csrf_exempt  # the secret address takes the cookie's place, and mail programs post here by themselves (RFC 8058)
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """GET asks, as scanners follow every link; POST does it."""
    rows = Message.objects.select_related("item__owner", "contact").filter(public_id=public_id).exclude(origin="")
    rows = rows.filter(direction=Message.Direction.OUT, channel__medium=Medium.EMAIL)
    message = rows.first()
    if message is None:
        raise Http404
    done = request.method == "POST"
    if done:
        tracking.unsubscribed(message)
    own = OwnCompany.first()
    with translation.override(message.language or (own.language if own else "en")):
        context = {"done": done, "own": own, "language": translation.get_language()}
        return _private(render(request, "public/unsubscribe.html", context))
