"""The page behind a QR code, and the code as a picture."""

from __future__ import annotations

import io

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from crm.ground.access import public
from crm.ground.robots import is_proxy, is_robot
from crm.models import OwnCompany
from documents.models import QrCode
from documents.views.customer import private


def _code(token: str) -> QrCode:
    rows = QrCode.objects.filter(item__deleted_at=None).select_related("item__contact")
    return get_object_or_404(rows, token=token.replace("\0", ""))


@public
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    code = QrCode.objects.filter(token=token.replace("\0", ""), item__deleted_at=None).first()
    own = OwnCompany.first()
    if code is None:
        with translation.override(own.language if own else "en"):
            return private(render(request, "documents/gone.html", {"own": own}, status=404))
    with translation.override(code.language):
        context = {"code": code, "own": own, "language": code.language}
        return private(render(request, "documents/qr.html", context))


@public
@csrf_exempt  # no cookie takes part; who has the address may be counted
@require_POST
def seen(request: HttpRequest, token: str) -> HttpResponse:
    """The page's script says that a person looks at it."""
    code = _code(token)
    if not request.user.is_authenticated and not is_robot(request) and not is_proxy(request):
        code.scanned()
    return private(HttpResponse(status=204))


@public
@require_safe
def picture(request: HttpRequest, token: str) -> HttpResponse:
    """PNG, as mail programs show no SVG."""
    out = io.BytesIO()
    segno.make(_code(token).link(), error="m", micro=False).save(out, kind="png", border=2, scale=8)
    return private(HttpResponse(out.getvalue(), content_type="image/png"))
