"""The demo's shop: a page on "another site" that embeds our forms. Only there while the demo is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from crm.company.models import OwnCompany
from crm.ground.access import public
from crm.webforms.models import WebForm


@public
def shop(request: HttpRequest) -> HttpResponse:
    """Opened as http://localhost while the CRM is http://127.0.0.1: two origins, as in life."""
    forms = {form.kind: form for form in WebForm.objects.filter(slug__in=("order", "callback"), is_active=True)}
    if settings.PRODUCTION or not forms:
        raise Http404
    own = OwnCompany.first()
    language = own.language if own else "en"
    with translation.override(language):
        context = {"own": own, "forms": forms, "crm": settings.PUBLIC_URL, "language": language}
        answer = render(request, "demo/shop.html", context)
    # The shop's own policy allows the CRM's script and frame, as its administrator was told to.
    told: Any = answer
    told._csp_replace = {
        "script-src": ["'self'", settings.PUBLIC_URL],
        "frame-src": ["'self'", settings.PUBLIC_URL],
    }
    return answer
