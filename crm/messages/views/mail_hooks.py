"""What a delivery service tells: mails that came in for us, and what became of ours."""

from __future__ import annotations

import hashlib
import logging
from email.encoders import encode_base64
from email.feedparser import BytesFeedParser
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.signals import AnymailInboundEvent, AnymailTrackingEvent, EventType, RejectReason
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm.ground import vault
from crm.ground.access import public
from crm.ground.ids import id_of
from crm.messages import delivery, tracking
from crm.messages.mail import inbox
from crm.messages.mail.guarded import TooMuch, guarded
from crm.messages.mail.reading import MOST_BYTES, Unreadable, read_guarded
from crm.messages.models.messages import Channel, Message
from crm.messages.transports.delivery_service import DeliveryService

log = logging.getLogger("dealwright.mail")
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
    try:
        if not _taken_in(request):
            return JsonResponse({"error": "too large"}, status=413)
    except TooMuch:
        return JsonResponse({"error": "this is no call of the service"}, status=400)
    try:
        view.run_validators(request)
        events = view.parse_events(request)
    except AnymailWebhookValidationFailure:
        return JsonResponse({"error": "the password or signature is wrong"}, status=403)
    except (AnymailError, ImproperlyConfigured, KeyError, TypeError, ValueError):
        return JsonResponse({"error": "this is no call of the service"}, status=400)
    for event in events:
        if isinstance(event, AnymailInboundEvent):
            _taken(channel, event)
        elif isinstance(event, AnymailTrackingEvent):
            _told(channel, event)
    return HttpResponse()


def _taken(channel: Channel, event: AnymailInboundEvent) -> None:
    for part in event.message.walk():
        # Written out as they came, files would get other line ends.
        if not part.is_multipart() and part.get_content_maintype() != "text":
            content = part.get_payload(decode=True)
            del part["Content-Transfer-Encoding"]
            part.set_payload(content)
            encode_base64(part)
    raw = event.message.as_bytes()
    mark = str(event.event_id or hashlib.sha256(raw).hexdigest()[:40])
    try:
        inbox.received_mail(channel, read_guarded(raw, languages=inbox.languages()))
    except Unreadable:
        inbox.unreadable(channel, raw, mark)
    except OperationalError:
        raise  # a database that is away: the service shall come again
    except Exception:
        # What no repeat would mend: the service would send it for days.
        log.exception("mail %s of channel %s", mark, channel.pk)
        inbox.unreadable(channel, raw, mark)


def _taken_in(request: HttpRequest) -> bool:
    """Mails and their texts are larger than what other addresses take; read once the size is known to be bearable."""
    length = id_of(request.META.get("CONTENT_LENGTH") or "0")
    if length is None or not 0 <= length <= MOST:
        return False
    body = request.read(MOST)
    if (request.content_type or "").startswith("multipart/form-data"):
        request._post, request._files = _parts(request.headers["Content-Type"], body)  # type: ignore[attr-defined]  # Django keeps them so
    else:
        request._body = body
    return True


def _parts(kind: str, body: bytes) -> tuple[QueryDict, MultiValueDict]:
    """Fields and files of a form, whatever their size; Django's own parser would stop at 256 KiB of texts.

    Taken apart in a child with limits: who knows no password yet must not keep a web process busy.
    """
    fields = QueryDict(mutable=True)
    files: MultiValueDict[str, Any] = MultiValueDict()
    for name, file_name, content, content_type in guarded(_taken_apart, kind, body, seconds=3):
        if file_name is None:
            fields.appendlist(name, content.decode("utf-8", "replace"))
        else:
            files.appendlist(name, SimpleUploadedFile(file_name, content, content_type))
    return fields, files


def _taken_apart(kind: str, body: bytes) -> list[tuple[str, str | None, bytes, str]]:
    """(field, name of its file or None, content, kind) of each part."""
    found = []
    # Fed by bytes: the parser for whole texts would turn the line ends of files into its own.
    parser = BytesFeedParser()
    parser.feed(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    for part in parser.close().walk():
        name = part.get_param("name", header="content-disposition")
        if part.is_multipart() or not isinstance(name, str):
            continue
        content: Any = part.get_payload(decode=True) or b""
        found.append((name, part.get_filename(), content, part.get_content_type()))
    return found


# How a service's words are ours; what it says of opens and clicks we see ourselves.
GONE = (RejectReason.BOUNCED, RejectReason.INVALID)
WORDS = {EventType.SENT: "sent", EventType.DELIVERED: "delivered", EventType.FAILED: "failed"}


def _told(channel: Channel, event: AnymailTrackingEvent) -> None:
    message = _about(channel, event)
    if message is None:
        return
    said = str(event.description or event.mta_response or "")[:300]
    if event.event_type in (EventType.BOUNCED, EventType.REJECTED):
        if event.reject_reason in GONE and not _is_soft(event):
            inbox.bounced(message, said)
        else:
            delivery.reported(message, "failed", "", said)
    elif event.event_type == EventType.COMPLAINED:
        inbox.complained(message)
    elif event.event_type == EventType.UNSUBSCRIBED:
        tracking.unsubscribed(message)
    elif event.event_type in WORDS:
        delivery.reported(message, WORDS[event.event_type], "", said)


def _is_soft(event: AnymailTrackingEvent) -> bool:
    """A full mailbox, a server that is away: anymail calls both kinds the same, the services' own words do not."""
    told = event.esp_event if isinstance(event.esp_event, dict) else {}
    words = " ".join(str(told.get(name, "")) for name in ("Type", "event", "severity")).lower()
    return "soft" in words or "temporary" in words or "transient" in words or "dnserror" in words


def _about(channel: Channel, event: AnymailTrackingEvent) -> Message | None:
    rows = Message.objects.filter(channel=channel, direction=Message.Direction.OUT)
    rows = rows.select_related("channel", "contact", "item__owner", "job")
    named = (event.metadata or {}).get("message", "")
    if len(named) == 32 and all(letter in "0123456789abcdef" for letter in named):
        return rows.filter(public_id=named).first()
    return rows.filter(provider_id=str(event.message_id)[:120]).first() if event.message_id else None
