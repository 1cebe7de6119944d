"""The books of webhooks: who hears of an event, deliveries and their outcome, calls that come in."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from standardwebhooks import Webhook as Signer
from standardwebhooks import WebhookVerificationError

from crm.api.schemas import event_out
from crm.events.models import Cause, Event
from crm.events.record import event_recorded, record
from crm.ground import clock, phones, safe_http
from crm.ground.sentences import said
from crm.items import customer_rights
from crm.items.models.items import Item
from crm.people.models import Contact, User
from crm.webhooks.models import InboundCall, InboundHook, Webhook, WebhookDelivery, dig
from crm.webhooks.posting import post_signed, settle
from crm.work.jobs import end_waiters
from crm.work.leased import Status
from crm.work.models import Job
from crm.work.queue import Kind, register_kind

KIND = "deliver_webhook"
LEARN_SECONDS = 2.0  # how soon a process learns of a new subscription
_known: tuple[float, list[Webhook]] | None = None


def subscriptions() -> list[Webhook]:
    """Active webhooks that want events, as this process last read them."""
    global _known
    if _known is None or time.monotonic() - _known[0] > LEARN_SECONDS:
        rows = Webhook.objects.filter(is_active=True, owner__is_active=True).exclude(kinds=[]).select_related("owner")
        _known = (time.monotonic(), list(rows))
    return _known[1]


def forget_subscriptions() -> None:
    """They were edited in this process."""
    global _known
    _known = None


def wanted(kind: str, cause: str, item: int | None) -> bool:
    """Slot event_interest."""
    return any(webhook.wants(kind) for webhook in subscriptions())


def on_event(sender: Any, event: Event, **kwargs: Any) -> None:
    """A delivery for each webhook that wants the event and whose owner sees its item; in the event's transaction."""
    for webhook in () if event.quiet else subscriptions():
        # Read up to two seconds ago: it may be gone by now, and a dangling row would undo the whole move.
        if not webhook.wants(event.kind) or not Webhook.objects.filter(pk=webhook.pk, is_active=True).exists():
            continue
        item = event.item
        if item is None and not _hears(webhook.owner, event):
            continue
        # Deleted items too: their deletion is an event like others.
        if item is not None and not Item.objects.reached_by(webhook.owner).filter(pk=item.pk).exists():
            continue
        if item is not None and item.hides_customer and not _hears_talk(webhook.owner, event):
            continue
        body = {"type": event.kind, "timestamp": event.created_at.isoformat(), "data": event_out(event)}
        # What tells of a move that may be taken back waits with its visit until it cannot be any more (E54).
        waits = event.visit if event.visit is not None and event.visit.undo_until else None
        deliver(webhook, body, event=event, item=item, visit=waits)


def _hears(owner: User, event: Event) -> bool:
    """Of what belongs to no card: who sees the customer; what belongs to nobody is the administrators'."""
    if event.contact_id is None:
        return owner.is_active and owner.is_superuser
    return Contact.objects.visible_to(owner).filter(pk=event.contact_id).exists()


def _hears_talk(owner: User, event: Event) -> bool:
    """A card that hides its customer tells of itself, not of his addresses."""
    told = Event.objects.filter(customer_rights.talk(), pk=event.pk).filter(customer_rights.concealed(owner))
    return not told.exists()


def deliver(
    webhook: Webhook,
    body: Any,
    *,
    event: Event | None = None,
    item: Item | None = None,
    visit: Any = None,
    survives_leaving: bool = True,
    retry_hours: int = 24,
) -> WebhookDelivery:
    """Write the delivery and its job, in the caller's transaction. `body` is JSON, or text that is JSON."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)
    delivery = WebhookDelivery.objects.create(webhook=webhook, event=event, body=text)
    delivery.job = Job.plan(
        KIND,
        f"delivery:{delivery.pk}",
        item=item,
        visit=visit,
        survives_leaving=survives_leaving,
        channel_key=f"webhook:{webhook.pk}",
        payload={"delivery": delivery.pk, "retry_hours": retry_hours},
    )
    delivery.save(update_fields=["job"])
    return delivery


def redeliver(delivery: WebhookDelivery) -> None:
    """The same call once more, with the same id; a person asked for it."""
    with transaction.atomic():
        rounds = Job.objects.filter(key__startswith=f"delivery:{delivery.pk}:").count() + 1
        job = Job.plan(
            KIND,
            f"delivery:{delivery.pk}:{rounds}",
            survives_leaving=True,
            channel_key=f"webhook:{delivery.webhook_id}",
            payload={"delivery": delivery.pk},
        )
        WebhookDelivery.objects.filter(pk=delivery.pk).update(
            status=WebhookDelivery.Status.PLANNED, job=job, error="", http_status=None, answer=""
        )


# ---------------------------------------------------------------------- the job


def _delivery(job: Job) -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("webhook").get(pk=job.payload["delivery"])


def begin(job: Job) -> bool:
    if not WebhookDelivery.objects.filter(pk=job.payload["delivery"]).exists():
        job.end(Status.CANCELLED, said("webhook.deleted", "The webhook was deleted."))
        end_waiters(job)
        return False
    delivery = _delivery(job)
    if not delivery.webhook.is_active:
        _finish(
            job, delivery, Status.FAILED, said("webhook.off", "The webhook “%s” is switched off.") % delivery.webhook
        )
        end_waiters(job)
        return False
    return True


def perform(job: Job) -> safe_http.Answer:
    """Outside any transaction. Repeats carry the same id, so they are safe."""
    delivery = _delivery(job)
    webhook = delivery.webhook
    return post_signed(webhook.url, webhook.open_secret(), delivery.message_id, delivery.body)


def conclude(job: Job, outcome: Any) -> None:
    if not WebhookDelivery.objects.filter(pk=job.payload["delivery"]).exists():
        job.end(Status.CANCELLED, said("webhook.deleted", "The webhook was deleted."))
        return
    delivery = _delivery(job)

    def finish(status: str, sentence: Any, answer: safe_http.Answer | None) -> None:
        told = {"http_status": answer.status, "answer": answer.text} if answer is not None else {}
        _finish(job, delivery, status, sentence, **told)

    settle(job, outcome, finish)


def _finish(job: Job, delivery: WebhookDelivery, status: str, sentence: str, **values: Any) -> None:
    good = status == Status.DONE
    result = WebhookDelivery.Status.DELIVERED if good else WebhookDelivery.Status.FAILED
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        status=result, error=sentence, delivered_at=clock.now() if good else None, **values
    )
    job.end(status, sentence)


# ---------------------------------------------------------------------- calls that come in


def receive(hook: InboundHook, key: str, body: Any) -> InboundCall:
    """Keep the call and plan its processing. The same key twice is one call."""
    try:
        with transaction.atomic():
            call = InboundCall.objects.create(hook=hook, key=key[:120], body=body)
            Job.plan("process_inbound", f"inbound:{call.pk}", payload={"call": call.pk})
    except IntegrityError:
        return InboundCall.objects.get(hook=hook, key=key[:120])
    return call


def item_of(find_by: str, value: str) -> Item | None:
    """The item by its number or external id; by phone or e-mail the customer's newest open one."""
    alive = Item.objects.alive()
    if find_by == InboundHook.FindBy.ID:
        return alive.filter(pk=int(value)).first() if value.isascii() and value.isdigit() and len(value) < 18 else None
    if find_by == InboundHook.FindBy.EXTERNAL:
        return alive.filter(external_id=value).order_by("-pk").first()
    reach = {"email": value} if find_by == InboundHook.FindBy.EMAIL else {"phone": _number(value)}
    contacts = Contact.objects.with_address(**reach)
    return Item.objects.open().filter(contact__in=contacts).order_by("-created_at").first()


def _number(text: str) -> str:
    try:
        return phones.parse(text)
    except ValidationError:
        return ""


def process(job: Job) -> Any:
    call = InboundCall.objects.select_related("hook").get(pk=job.payload["call"])
    hook = call.hook
    value = dig(call.body, hook.path)
    item = item_of(hook.find_by, str(value)[:200]) if value not in (None, "") else None
    if item is None:
        InboundCall.objects.filter(pk=call.pk).update(
            result=said("webhook.no_item_by", "No item was found by “%s”.") % str(value)[:100]
        )
        return Status.SKIPPED, said("webhook.no_item", "no item was found")
    payload = {"hook": hook.pk, "hook_name": hook.name, "body": call.body}
    cause = Cause("api", f"hook:{hook.pk}", label=hook.name)
    record("webhook.received", item=item, cause=cause, payload=payload, key=f"inbound:{call.pk}")
    InboundCall.objects.filter(pk=call.pk).update(
        item=item, result=said("webhook.told", "Told to “%s”.") % item.title[:100]
    )
    return Status.DONE, ""


def verified(hook: InboundHook, body: bytes, headers: dict[str, str]) -> bool:
    """The Standard Webhooks signature: whole, by this hook's secret, not older than five minutes."""
    try:
        Signer(hook.open_secret()).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, RuntimeError):
        return False
    return True


def _lost(job: Job) -> None:
    """The job failed outside its own books."""
    WebhookDelivery.objects.filter(pk=job.payload["delivery"], status=WebhookDelivery.Status.PLANNED).update(
        status=WebhookDelivery.Status.FAILED, error=job.error
    )


def _cancelled(jobs: list[int], reason: str) -> None:
    WebhookDelivery.objects.filter(job_id__in=jobs).update(status=WebhookDelivery.Status.CANCELLED, error=reason)


def _revived(jobs: list[int]) -> None:
    ended = WebhookDelivery.objects.filter(job_id__in=jobs, status=WebhookDelivery.Status.CANCELLED)
    ended.update(status=WebhookDelivery.Status.PLANNED, error="")


register_kind(
    Kind(
        KIND,
        perform,
        outside=True,
        begin=begin,
        conclude=conclude,
        lost=_lost,
        cancelled=_cancelled,
        revived=_revived,
    )
)
register_kind(Kind("process_inbound", process))
event_recorded.connect(on_event, dispatch_uid="crm.webhooks.calls")
