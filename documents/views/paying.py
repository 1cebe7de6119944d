"""Paying online: the page behind a payment link, the button of an invoice's page, and the provider's calls."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from crm.ground.access import public
from crm.messages import merge_text
from crm.models import Item, OwnCompany, Refused
from documents import checkouts
from documents.models import PaymentAccount, PaymentLink
from documents.models.checkouts import still_open
from documents.models.templates import Kind
from documents.providers.base import Forged, ProviderError
from documents.views.customer import link_of, may_lead_away, private, shown


@public
@csrf_exempt  # no cookie takes part; the secret address takes its place
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """What is to be paid, for what; POST leads on to the provider."""
    link, own = PaymentLink.read(token), OwnCompany.first()
    if link is None:
        with translation.override(own.language if own else "en"):
            return private(render(request, "documents/gone.html", {"own": own}, status=404))
    invoice, asked, fault, status = link.invoice, link.asked(), "", 200
    with translation.override(merge_text.language_of(invoice)):
        if request.method == "POST" and asked > 0:
            try:
                return private(redirect(checkouts.pay_page(invoice, asked, settings.PUBLIC_URL + request.path, link)))
            except (Refused, ProviderError) as error:
                fault, status = _cannot(error), 502
        context = {
            "invoice": invoice,
            "asked": asked,
            "fault": fault,
            "own": own,
            "language": translation.get_language(),
            "is_void": _is_void(invoice),
            "is_set_up": PaymentAccount.first() is not None,
        }
        return may_lead_away(private(render(request, "documents/pay.html", context, status=status)))


def _is_void(invoice: Item) -> bool:
    flow = getattr(invoice.pipeline, "invoice_flow", None)
    return flow is not None and invoice.stage_id == flow.void_id


@public
@csrf_exempt  # as above
@require_POST
def pay_document(request: HttpRequest, token: str) -> HttpResponse:
    """*Pay* on an invoice's own page."""
    document = link_of(token).document
    asked = still_open(document.item)
    back_to = settings.PUBLIC_URL + reverse("document-public", args=[token])
    with translation.override(document.language):
        if document.kind != Kind.INVOICE or asked <= 0 or document.status == document.Status.VOID:
            return shown(request, token, document, _("There is nothing to pay any more."), 409)
        try:
            return private(redirect(checkouts.pay_page(document.item, asked, back_to)))
        except (Refused, ProviderError) as error:
            return shown(request, token, document, _cannot(error), 502)


def _cannot(error: Exception) -> str:
    """A provider's words are for us, not for customers."""
    if isinstance(error, Refused):
        return str(error.sentence)
    return _("Paying by card does not work at the moment. Please try again later, or pay by transfer.")


@public
@csrf_exempt  # signed by the provider; no cookie is read
@require_POST
def provider_call(request: HttpRequest, pk: int) -> HttpResponse:
    """What a provider tells. Nothing of it is believed but which payment to ask about."""
    account = PaymentAccount.objects.filter(pk=pk, is_active=True).first()
    if account is None:
        raise Http404
    if account.fault():
        return JsonResponse({"error": "the account is not set up"}, status=503)
    try:
        body = request.body
    except RequestDataTooBig:
        return JsonResponse({"error": "more than 256 KiB"}, status=413)
    try:
        about = account.opened().told(body, dict(request.headers))
    except Forged:
        return JsonResponse({"error": "the signature is missing, wrong or old"}, status=403)
    if about:
        checkouts.heard(account, about)
    return JsonResponse({"ok": True})
