"""Pages that customers meet: the hosted form and its embed script. No cookie is set or read here."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from crm.ground import characters, clock
from crm.ground.access import peer, public
from crm.messages import merge_text
from crm.webforms import submissions
from crm.webforms import tokens as formtokens
from crm.webforms.forms import PublicForm
from crm.webforms.models import Submission, WebForm

HONEYPOT = "website"
TOUCH = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "page", "referrer")


def address_hash(request: HttpRequest) -> str:
    """Who sends, as a keyed hash: an IPv4 address, or an IPv6 /64."""
    try:
        address = ipaddress.ip_address(peer(request))
    except ValueError:
        address = ipaddress.ip_address("0.0.0.0")
    prefix = 64 if address.version == 6 else 32
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    return hmac.new(settings.SECRET_KEY.encode(), str(network).encode(), hashlib.sha256).hexdigest()


def over_limit(form: WebForm, sender: str) -> bool:
    recent = Submission.objects.filter(created_at__gt=clock.now() - timedelta(minutes=10))
    of_sender, of_form = Q(address_hash=sender), Q(form=form)
    counts = recent.filter(of_sender | of_form).aggregate(
        sender=Count("pk", filter=of_sender), form=Count("pk", filter=of_form)
    )
    return counts["sender"] >= settings.FORM_LIMIT_PER_ADDRESS or counts["form"] >= settings.FORM_LIMIT_PER_FORM


@public
@csrf_exempt  # no cookie, so nothing to ride on; the signed token takes its place
@xframe_options_exempt
@require_http_methods(["GET", "POST"])
def form(request: HttpRequest, slug: str) -> HttpResponse:
    webform = WebForm.objects.select_related("pipeline").prefetch_related("fields").filter(slug=slug).first()
    if webform is None or not webform.is_active or webform.pipeline.is_archived:
        return _page(request, "public/closed.html", {"webform": webform}, 404 if webform is None else 410, webform)
    with translation.override(_language(request, webform)):
        try:
            post = characters.posted(request.POST) if request.method == "POST" else None
        except RequestDataTooBig:
            context = _context(request, webform, PublicForm(webform))
            context["fault"] = _("This is more than the form can take. Please shorten your text.")
            return _page(request, "public/form.html", context, 413, webform)
        if post is None:
            return _page(
                request, "public/form.html", _context(request, webform, _prefilled(request, webform)), 200, webform
            )
        return _received(request, webform, post)


def _language(request: HttpRequest, webform: WebForm) -> str:
    asked = request.GET.get("lang", "")
    return asked if asked in dict(settings.LANGUAGES) else webform.language


def _prefilled(request: HttpRequest, webform: WebForm) -> PublicForm:
    return PublicForm(webform, initial={key: str(value) for key, value in request.GET.items()})


def _received(request: HttpRequest, webform: WebForm, post: Any) -> HttpResponse:
    filled = PublicForm(webform, post)
    try:
        token = formtokens.read(post.get("token", ""), webform.pk)
    except formtokens.BadToken:
        return _again(request, webform, filled, _("Please check the form and send it once more."))
    if post.get(HONEYPOT):
        # A program: it sees the same answer as a person, and nothing is kept.
        return _thanks(request, webform, {})
    known = Submission.objects.filter(nonce=token.nonce).first()
    if known is not None:
        return _thanks(request, webform, known.answers)
    if not filled.is_valid():
        return _again(request, webform, filled, "")
    if token.expired:
        return _again(
            request, webform, filled, _("The form stood open for long. Please look it over and send it once more.")
        )
    if token.too_fast:
        return _again(request, webform, filled, _("That was very fast. Please send it once more."), post["token"])
    sender = address_hash(request)
    if over_limit(webform, sender):
        fault = _("Too many messages came from here. Please try again in ten minutes.")
        return _again(request, webform, filled, fault, post["token"], 429)
    touch = {name: characters.kept(post.get(name, request.GET.get(name, "")))[:300] for name in TOUCH}
    submission = submissions.store(
        webform,
        nonce=token.nonce,
        version=token.version,
        answers=filled.answers(),
        touch={name: value for name, value in touch.items() if value},
        address_hash=sender,
    )
    return _thanks(request, webform, submission.answers)


def _again(
    request: HttpRequest, webform: WebForm, filled: PublicForm, fault: str, token: str = "", status: int = 422
) -> HttpResponse:
    """The same page with what was typed, each error at its field, and a fresh token."""
    context = _context(request, webform, filled, token)
    context["fault"] = fault
    return _page(request, "public/form.html", context, status, webform)


def _context(request: HttpRequest, webform: WebForm, filled: PublicForm, token: str = "") -> dict[str, Any]:
    filled.is_bound and filled.errors  # noqa: B018  judged before the template asks
    touch = {name: (request.POST if filled.is_bound else request.GET).get(name, "")[:300] for name in TOUCH}
    return {
        "webform": webform,
        "form": filled,
        "token": token or formtokens.issue(webform.pk, webform.version),
        "touch": {name: value for name, value in touch.items() if value},
        "embedded": request.GET.get("embed") == "1",
        "honeypot": HONEYPOT,
        "language": _language(request, webform),
    }


def _thanks(request: HttpRequest, webform: WebForm, answers: dict[str, Any]) -> HttpResponse:
    names = {row.target: answers.get(row.key, "") for row in webform.fields.all() if row.target}
    values = merge_text.Values(None, form={"name": webform.name}, answers=answers)
    name = str(names.get("contact.name", ""))
    values["contact"] = {
        "name": name,
        "salutation": name.split()[-1 if webform.language == "vi" else 0] if name.split() else "",
        "email": names.get("contact.email", ""),
        "phone": names.get("contact.phone", ""),
        "language": webform.language,
        "custom": {},
    }
    try:
        text = merge_text.render(webform.thanks, values, language=webform.language)
    except merge_text.MergeError:
        text = _("Thank you. We have received your message.")
    context = {
        "webform": webform,
        "text": text,
        "embedded": request.GET.get("embed") == "1",
        "language": _language(request, webform),
    }
    return _page(request, "public/thanks.html", context, 200, webform)


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int, webform: WebForm | None
) -> HttpResponse:
    """Framed by the form's allowed sites only; never cached, no cookie."""
    answer = render(request, template, context, status=status)
    sites = webform.sites() if webform else []
    ancestors = ["'self'", *sites] if sites else ["*"]
    answer["Cache-Control"] = "no-store"
    answer["X-Robots-Tag"] = "noindex"
    answer["Cross-Origin-Opener-Policy"] = "unsafe-none"

    told: Any = answer
    told._csp_replace = {"frame-ancestors": ancestors}
    return answer


@public
@require_GET
@cache_control(public=True, max_age=3600)
def embed_script(request: HttpRequest) -> HttpResponse:
    """The one script that puts an iframe of the right height where it stands."""
    source = (settings.BASE_DIR / "static" / "js" / "embed.js").read_text()
    answer = HttpResponse(source, content_type="text/javascript; charset=utf-8")
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
