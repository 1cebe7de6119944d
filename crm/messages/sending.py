"""The channel's books: a message is a row with a job; limits, opt-out and what a crash means are decided here.

The composer, the digest and every rule send through `queue_message`; *unknown* is decided in `conclude` alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile

from crm import slots
from crm.events.models import Cause
from crm.events.notice import notify
from crm.events.record import record
from crm.ground import clock, vault
from crm.ground.addresses import no_link
from crm.ground.sentences import in_payload, said
from crm.messages import delivery, open_ends
from crm.messages.mail.composing import MOST_FILE_BYTES, NewFile, html_of
from crm.messages.models.files import Attachment
from crm.messages.models.messages import FAR, Channel, Conversation, Medium, Message
from crm.messages.outgoing import Outgoing
from crm.messages.reaching import CannotSend as CannotSend
from crm.messages.reaching import check_address as check_address
from crm.messages.transports.base import Transport, TransportError, transports
from crm.people.models import Contact, User, administrators
from crm.work.jobs import Permanent, Temporary, end_waiters, may_retry, retry_limit
from crm.work.leased import MAX_CRASHES, Status, backoff
from crm.work.models import Job
from crm.work.queue import Kind, register_kind

KIND = "send_message"
log = logging.getLogger("dealwright.sending")


def transport_of(channel: Channel) -> Transport:
    """The channel's transport with its settings. Raises Permanent where its app is no longer installed."""
    found = transports.get(channel.transport)
    if found is None:
        raise Permanent(said("transport.missing", "The transport “%s” is not installed.") % channel.transport)
    return found(channel, channel.settings | vault.unlock(channel.secret))


def channel_for(medium: str, chosen: Channel | None = None) -> Channel:
    """The chosen channel, else the default one. Raises CannotSend."""
    channel = chosen or Channel.default_for(medium)
    if channel is None:
        raise CannotSend(said("channel.none", "No channel for %s is set up.") % Medium(medium).label)
    if not channel.is_active:
        raise CannotSend(said("channel.off", "The channel “%s” is switched off.") % channel.name)
    return channel


def queue_message(asked: Outgoing) -> Message:
    """Write the message and the job that will send it, in the caller's transaction.

    Raises CannotSend (nothing was written) for an address that cannot work or files that no server takes.
    """
    channel, contact = asked.channel, asked.contact
    check_address(contact, channel.medium, asked.to, asked.is_necessary)
    files = _bearable(asked.files)
    message = _written(asked)
    _attach(message, files)
    job = Job.plan(
        KIND,
        f"message:{message.pk}",
        due_at=asked.due_at,
        item=asked.item,
        visit=asked.visit,
        survives_leaving=asked.survives_leaving,
        channel_key=f"channel:{channel.pk}",
        payload={"message": message.pk, "retry_hours": asked.retry_hours},
    )
    message.job = job
    message.save(update_fields=["job"])
    for written in slots.message_written:
        written(message, [file.key for file in files])
    return message


def _written(asked: Outgoing) -> Message:
    """The row, in the conversation with its contact."""
    channel, contact, text = asked.channel, asked.contact, asked.text
    is_mail = channel.medium == Medium.EMAIL
    if is_mail and contact is not None:
        text = _without_links(text, contact)
    conversation = None
    if contact is not None:
        conversation, _made = Conversation.objects.update_or_create(
            contact=contact, channel=channel, defaults={"last_message_at": clock.now()}
        )
    return Message.objects.create(
        conversation=conversation,
        channel=channel,
        contact=contact,
        item=asked.item,
        to=asked.to,
        subject=" ".join(asked.subject.split())[:250],
        text=text,
        html=asked.html or (html_of(text) if is_mail else ""),
        author=asked.author,
        origin=asked.origin,
        cause_depth=asked.depth,
        language=asked.language,
        answers=asked.answers,
        is_necessary=asked.is_necessary,
    )


def _without_links(text: str, contact: Contact) -> str:
    """Strangers choose what they are called: an address in their name is no link in a mail of ours.

    One who is called by his own address is left alone, and so is what stands within a longer address. What merge texts
    print is treated where it is filled in (crm/messages/merge_text.py); this is for what people paste.
    """
    own = {row.address for row in contact.emails.all()}
    names = {contact.name, contact.salutation, str(contact.company or "")}
    for name in sorted(filter(None, names), key=len, reverse=True):
        if no_link(name) != name and name.lower() not in own:
            part = rf"(?<![\w/@.=-]){re.escape(name)}(?![\w/@])"
            text = re.sub(part, lambda found: no_link(found[0]), text, flags=re.IGNORECASE)
    return text


def _bearable(files: Iterable[NewFile]) -> list[NewFile]:
    found = list(files)
    if sum(len(file.content) for file in found) > MOST_FILE_BYTES:
        raise CannotSend(
            said("files.too_large", "All files together are larger than %d MB.") % (MOST_FILE_BYTES // 1048576)
        )
    return found


def _attach(message: Message, files: list[NewFile]) -> None:
    for file in files:
        place = ContentFile(file.content, name=file.name)
        row = {"name": file.name, "kind": file.kind, "size": len(file.content), "author": message.author}
        Attachment.objects.create(item=message.item, message=message, file=place, **row)


def mail_colleague(user: User, subject: str, text: str) -> None:
    """To one of ours, by the default e-mail channel; where there is none, nobody gets mail and the log says so."""
    try:
        queue_message(
            Outgoing(
                channel=channel_for(Medium.EMAIL),
                to=user.email,
                subject=subject,
                text=text,
                language=user.language,
                is_necessary=True,
            )
        )
    except CannotSend as refused:
        log.warning("no mail to user %s: %s", user.pk, refused)


# ---------------------------------------------------------------------- the job


def _message(job: Job) -> Message:
    return Message.objects.select_related("channel", "channel__calendar", "contact").get(pk=job.payload["message"])


def begin(job: Job) -> bool:
    """In the *sending* commit: opt-out, limits, quiet hours, once more. False if it was ended or put off."""
    if not Message.objects.filter(pk=job.payload["message"]).exists():
        # It went with its customer, whom somebody deleted.
        job.end(Status.SKIPPED, said("message.deleted", "The message was deleted."))
        end_waiters(job)
        return False
    message = _message(job)
    channel, now = message.channel, clock.now()
    if _is_settled(job, message):
        return False
    if open_ends.is_asking(job):
        return True  # it may have left: what forbids a message forbids no question
    try:
        if message.item_id and message.item is not None and message.item.deleted_at:
            raise CannotSend(said("item.deleted_now", "The item was deleted."), skip=True)
        if not channel.is_active:
            raise CannotSend(said("channel.off", "The channel “%s” is switched off.") % channel.name)
        check_address(message.contact, channel.medium, message.to, message.is_necessary)
        recent = Message.objects.filter(
            direction=Message.Direction.OUT, status__in=(Message.Status.SENT, Message.Status.DELIVERED)
        )
        if message.is_automatic and message.contact_id:
            today = recent.filter(contact_id=message.contact_id, sent_at__gte=now - timedelta(days=1))
            if today.exclude(origin="").count() >= channel.contact_daily_limit:
                raise CannotSend(
                    said("customer.daily_limit", "The customer has had enough automatic messages today."), skip=True
                )
    except CannotSend as error:
        _finish(job, message, Status.SKIPPED if error.skip else Status.FAILED, str(error))
        return False
    if channel.calendar is not None and message.is_automatic:
        opening = channel.calendar.working_time().next_opening(now)
        if opening > now:
            job.give_back(opening)
            return False
    if recent.filter(channel=channel, sent_at__gte=now - timedelta(hours=1)).count() >= channel.hourly_limit:
        job.give_back(now + timedelta(minutes=5))
        return False
    Message.objects.filter(pk=message.pk).update(status=Message.Status.SENDING)
    return True


def _is_settled(job: Job, message: Message) -> bool:
    """The provider has told us meanwhile what became of it; sending it once more would be a second message."""
    failed = message.status == Message.Status.FAILED and open_ends.is_asking(job)
    if not failed and message.status not in (Message.Status.SENT, Message.Status.DELIVERED):
        return False
    job.end(Status.FAILED if failed else Status.DONE, message.error if failed else "")
    end_waiters(job)
    return True


def perform(job: Job) -> str:
    """Outside any transaction: the transport talks."""
    message = _message(job)
    transport = transport_of(message.channel)
    if open_ends.is_asking(job):
        return open_ends.asked(transport, message, job)
    try:
        return transport.send(message)
    except TransportError as error:
        if error.permanent:
            raise Permanent(str(error)) from error
        if error.sent and not _keyed(message.channel):
            raise
        raise Temporary(str(error), error.retry_after) from error


def _keyed(channel: Channel) -> bool:
    found = transports.get(channel.transport)
    return bool(found and found.keyed)


def conclude(job: Job, outcome: Any) -> None:
    """The outcome's commit. A str is the provider's id; None means that the worker died while sending."""
    if not Message.objects.filter(pk=job.payload["message"]).exists():
        job.end(
            Status.DONE if isinstance(outcome, str) else Status.SKIPPED,
            said("message.deleted", "The message was deleted."),
        )
        end_waiters(job)
        return
    message = _message(job)
    if isinstance(outcome, str):
        _finish(job, message, Status.DONE, "", provider_id=outcome)
    elif isinstance(outcome, Permanent):
        _finish(job, message, Status.FAILED, str(outcome))
    elif message.status in FAR:
        _finish(job, message, Status.UNKNOWN, "")  # its callback was faster, and knows
    elif isinstance(outcome, open_ends.NotThere):
        if not open_ends.send_again(job):
            _finish(job, message, Status.FAILED, str(outcome))
        else:
            put_back(job)
    elif open_ends.is_open(job, message.channel, outcome) and open_ends.ask_later(job, outcome):
        put_back(job)
    elif _keyed(message.channel) and outcome is None and job.crashes < MAX_CRASHES:
        # A repeat carries the same key: safe. The crash stays counted.
        job.change(status=Status.PLANNED, due_at=clock.now(), owner="", lease_until=None)
        put_back(job)
    elif _keyed(message.channel) and outcome is not None and may_retry(job):
        job.retry(backoff(job.attempts + 1), str(outcome) or repr(outcome), retry_limit(job))
        put_back(job)
    elif _keyed(message.channel):
        _finish(
            job, message, Status.FAILED, str(outcome) if outcome is not None else said("crashed", "crashed the worker")
        )
    else:
        words = said(
            "message.unknown", "Nobody knows whether it arrived: the connection was lost while it was being sent."
        )
        _finish(job, message, Status.UNKNOWN, words)
        notify(
            [message.author] if message.author else administrators(),
            said("notice.unknown", "Please look: a message to %(to)s may or may not have arrived.")
            % {"to": message.to},
            item=message.item,
            kind="unknown",
            group=f"unknown:{message.pk}",
        )


def put_back(job: Job) -> None:
    Message.objects.filter(job=job).exclude(status__in=FAR).update(status=Message.Status.PLANNED)


_MESSAGE_STATUS = {
    Status.DONE: Message.Status.SENT,
    Status.FAILED: Message.Status.FAILED,
    Status.SKIPPED: Message.Status.SKIPPED,
    Status.UNKNOWN: Message.Status.UNKNOWN,
}


def _finish(job: Job, message: Message, status: str, sentence: str, provider_id: str = "") -> None:
    told = Message.objects.filter(pk=message.pk).values_list("status", "error").first()
    if told is not None and told[0] in FAR:
        # The provider's callback was faster than our own outcome, and knows more.
        failed = told[0] == Message.Status.FAILED
        if provider_id:
            Message.objects.filter(pk=message.pk).update(provider_id=provider_id)
        job.end(Status.FAILED if failed else Status.DONE, told[1])
        if failed:
            end_waiters(job)
        return
    sent_at = clock.now() if status == Status.DONE else None
    message.status = _MESSAGE_STATUS[Status(status)]
    Message.objects.filter(pk=message.pk).update(
        status=message.status, error=sentence, provider_id=provider_id, sent_at=sent_at
    )
    job.end(status, sentence)
    if status == Status.DONE:
        delivery.left(message)
    if message.item_id:
        cause = Cause("rule", message.origin, message.cause_depth) if message.origin else Cause()
        files = [{"id": row.pk, "name": row.name, "size": row.size} for row in message.attachments.order_by("pk")]
        record(
            f"{message.channel.medium}.{'sent' if status == Status.DONE else message.status}",
            item=message.item,
            actor=message.author,
            cause=cause,
            payload={
                "message": message.pk,
                "to": message.to,
                "subject": message.subject,
                "text": message.text[:500],
            }
            | in_payload("error", sentence)
            | ({"files": files} if files else {}),
        )
    if status in (Status.FAILED, Status.SKIPPED):
        end_waiters(job)


def _lost(job: Job) -> None:
    """The job failed before it could begin (crashed three times)."""
    if open_ends.is_asking(job):
        Message.objects.filter(pk=job.payload["message"]).exclude(status__in=FAR).update(
            status=Message.Status.UNKNOWN, error=job.error
        )
        return
    unsent = (Message.Status.PLANNED, Message.Status.SENDING)
    Message.objects.filter(pk=job.payload["message"], status__in=unsent).update(
        status=Message.Status.FAILED, error=job.error
    )


def _cancelled(jobs: list[int], reason: str) -> None:
    Message.objects.filter(job_id__in=jobs).update(status=Message.Status.CANCELLED, error=reason)


def _revived(jobs: list[int]) -> None:
    ended = Message.objects.filter(job_id__in=jobs, status=Message.Status.CANCELLED)
    ended.update(status=Message.Status.PLANNED, error="")


register_kind(
    Kind(
        KIND,
        perform,
        outside=True,
        begin=begin,
        conclude=conclude,
        lost=_lost,
        put_back=put_back,
        cancelled=_cancelled,
        revived=_revived,
    )
)
