"""What a delivery service tells: mails that came in for us, and what became of ours."""

from __future__ import annotations

import json
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.signals import AnymailInboundEvent, AnymailTrackingEvent, EventType
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm import sending, vault
from crm.access import public
from crm.mail import inbox
from crm.mail.reading import MOST_BYTES, read
from crm.models import Channel, Message
from crm.transports.delivery_service import DeliveryService

MOST = MOST_BYTES * 4 // 3 + 1024 * 1024  # a mail with its files in base64, within JSON


@public
@csrf_exempt  # signed by password or signature of the service; no cookie is read
@require_http_methods(["POST", "HEAD"])
def delivery_service(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """`what`: "inbound" or "status"."""
    channel = Channel.objects.filter(pk=pk, transport=DeliveryService.key).first()
    if channel is None or what not in ("inbound", "status"):
        raise Http404
    view = DeliveryService(channel, channel.settings | vault.unlock(channel.secret)).webhook_view(what == "inbound")
    if view is None:
        return JsonResponse({"error": "the channel has no secret for webhooks"}, status=503)
    if request.method == "HEAD":
        return HttpResponse()
    if not _taken_in(request):
        return JsonResponse({"error": "too large"}, status=413)
    try:
        view.run_validators(request)
        events = view.parse_events(request)
    except AnymailWebhookValidationFailure:
        return JsonResponse({"error": "the password or signature is wrong"}, status=403)
    except (AnymailError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        return JsonResponse({"error": "this is no call of the service"}, status=400)
    for event in events:
        if isinstance(event, AnymailInboundEvent):
            inbox.received_mail(channel, read(event.message.as_bytes()), _strangers(channel))
        elif isinstance(event, AnymailTrackingEvent):
            _told(channel, event)
    return HttpResponse()


def _taken_in(request: HttpRequest) -> bool:
    """Mails are larger than what other addresses take; read once the size is known to be bearable."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MOST:
        return False
    if not (request.content_type or "").startswith("multipart/"):
        request._body = request.read(MOST)  # type: ignore[attr-defined]
    return True


def _strangers(channel: Channel) -> Any:
    mailbox = channel.mailboxes.filter(strangers__isnull=False).select_related("strangers").first()
    return mailbox.strangers if mailbox else None


# How a service's words are ours; what it says of opens and clicks we see ourselves.
WORDS = {EventType.SENT: "sent", EventType.DELIVERED: "delivered", EventType.FAILED: "failed"}


def _told(channel: Channel, event: AnymailTrackingEvent) -> None:
    message = _about(channel, event)
    if message is None:
        return
    said = str(event.description or event.mta_response or "")[:300]
    if event.event_type in (EventType.BOUNCED, EventType.REJECTED):
        inbox.bounced(message, said)
    elif event.event_type in (EventType.COMPLAINED, EventType.UNSUBSCRIBED):
        inbox.complained(message)
    elif event.event_type in WORDS:
        sending.reported(message, WORDS[event.event_type], "", said)


def _about(channel: Channel, event: AnymailTrackingEvent) -> Message | None:
    rows = Message.objects.filter(channel=channel, direction=Message.Direction.OUT)
    rows = rows.select_related("channel", "contact", "item__owner", "job")
    named = (event.metadata or {}).get("message", "")
    if len(named) == 32 and all(letter in "0123456789abcdef" for letter in named):
        return rows.filter(public_id=named).first()
    return rows.filter(provider_id=str(event.message_id)[:120]).first() if event.message_id else None
