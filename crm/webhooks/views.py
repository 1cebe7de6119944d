"""Addresses that programs of others call: incoming webhooks, and what Twilio tells of its messages."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from crm.ground import characters, vault
from crm.ground.access import public
from crm.messages import delivery, receiving
from crm.messages.models.messages import Channel, Message
from crm.webhooks import calls as webhooks
from crm.webhooks.models import InboundHook


def _answer(status: int, **words: Any) -> JsonResponse:
    return JsonResponse(words, status=status)


@public
@csrf_exempt  # no cookie is read; the address is the secret, and a signature may be asked for
@require_POST
def inbound(request: HttpRequest, token: str) -> HttpResponse:
    """Kept, answered, then processed by a worker. A repeat (webhook-id, Idempotency-Key, or same body) is one call."""
    hook = InboundHook.objects.filter(token=token, is_active=True).first()
    if hook is None:
        return _answer(404, error="unknown address")
    try:
        body = request.body
    except RequestDataTooBig:
        return _answer(413, error="more than 256 KiB")
    signed = "webhook-signature" in request.headers
    if hook.must_sign or signed:
        if not hook.open_secret():
            return _answer(503, error="the secret of this address cannot be read")
        if not webhooks.verified(hook, body, dict(request.headers)):
            return _answer(401, error="the signature is missing, wrong or old")
    try:
        data = characters.read_json(body)
        if data is None:
            raise characters.CannotKeep("null")
    except ValueError:
        return _answer(400, error="the body is not JSON that can be kept")
    key = request.headers.get("webhook-id") or request.headers.get("Idempotency-Key")
    webhooks.receive(hook, key or hashlib.sha256(body).hexdigest(), data)
    return _answer(202, ok=True)


@public
@csrf_exempt  # signed by Twilio with the channel's token
@require_POST
def twilio_status(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Twilio's status callback. The signature is checked against the configured address, never the request's."""
    message = Message.objects.select_related("channel").filter(public_id=public_id).first()
    if message is None or message.channel.transport != "twilio":
        return _answer(404, error="unknown message")
    secret = vault.unlock(message.channel.secret).get("auth_token", "")
    if not secret:
        return _answer(503, error="the channel has no token")
    if not _signed(request, secret, reverse("twilio-status", args=[public_id])):
        return _answer(403, error="the signature is wrong")
    told = characters.posted(request.POST)  # not before its signature was compared
    status = told.get("MessageStatus", "")
    error = told.get("ErrorMessage") or told.get("ErrorCode") or ""
    delivery.reported(message, status, told.get("MessageSid", "")[:120], error[:500])
    return HttpResponse(status=204)


@public
@csrf_exempt  # signed by Twilio; no cookie is read
@require_POST
def twilio_sms(request: HttpRequest, pk: int) -> HttpResponse:
    """An SMS of a customer. Answered with an empty TwiML, so that Twilio sends nothing of its own."""
    channel = Channel.objects.filter(pk=pk, transport="twilio").first()
    if channel is None:
        return _answer(404, error="unknown channel")
    secret = vault.unlock(channel.secret).get("auth_token", "")
    if not secret:
        return _answer(503, error="the channel has no token")
    if not _signed(request, secret, reverse("twilio-sms", args=[pk])):
        return _answer(403, error="the signature is wrong")
    told = characters.posted(request.POST)
    provider_id, sender = told.get("MessageSid", "")[:100], told.get("From", "")[:20]
    if not provider_id or not sender:
        return _answer(422, error="MessageSid and From are missing")
    receiving.received_sms(channel, provider_id, sender, told.get("Body", ""))
    return HttpResponse('<?xml version="1.0" encoding="UTF-8"?><Response/>', content_type="text/xml")


def _signed(request: HttpRequest, secret: str, path: str) -> bool:
    """Against the configured address, never the one that the request claims."""
    # Imported here: the SDK weighs much, and most installations never load it.
    from twilio.request_validator import RequestValidator

    url, query = settings.PUBLIC_URL + path, request.META.get("QUERY_STRING", "")
    signature = request.headers.get("X-Twilio-Signature", "")
    return bool(RequestValidator(secret).validate(f"{url}?{query}" if query else url, request.POST, signature))
