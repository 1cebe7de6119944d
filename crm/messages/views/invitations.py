"""Accepting an invitation that came by mail: it becomes a meeting of ours, and its sender is told once."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_POST

from crm.events.models import Event
from crm.ground import clock, databases
from crm.ground.access import staff_of_ours
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.messages import sending
from crm.messages.mail import invitations
from crm.messages.mail.composing import NewFile
from crm.messages.models.messages import Message
from crm.messages.outgoing import Outgoing
from crm.people.models import User

REPLY = "text/calendar; method=REPLY"


@staff_of_ours
@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    user: Any = request.user
    event = get_object_or_404(Event.objects.filter(item__in=Item.objects.visible_to(user)), pk=pk)
    if event.data("invitation", {}).get("method") != "REQUEST":
        raise Http404
    item: Any = event.item
    item.require(user, "edit")
    with transaction.atomic():
        done = _accepted(event.pk, user)
    messages.success(request, done)
    return redirect("item", event.item_id)


def _accepted(pk: int, user: User) -> str:
    """The meeting and the answer, in one transaction; what to tell the person."""
    event = databases.lock(Event.objects.filter(pk=pk)).get()
    invitation = event.data("invitation")
    if invitation.get("accepted_by"):
        return _("%s has accepted it already.") % invitation["accepted_by"]
    item, message = event.item, Message.objects.select_related("channel").get(pk=event.data("message"))
    assert item is not None
    title = invitation["summary"] or message.subject or _("Meeting")
    about = "\n".join(filter(None, [invitation["location"], invitation["description"]]))
    Task.add(
        item=item,
        shown_as=user,
        kind=Task.Kind.MEETING,
        title=title[:200],
        description=about,
        deadline=invitations.starts(invitation),
        assignee=user,
        creator=user,
        visit_id=item.visit_id,
    )
    unsaid = ""
    try:
        with transaction.atomic():
            _answer(event, message, user, title)
    except sending.CannotSend as refused:
        unsaid = str(refused)  # the meeting stands; the person has to tell them by another way
    seen = {**invitation, "accepted_by": user.name, "accepted_at": clock.now().isoformat()}
    Event.objects.filter(pk=pk).update(payload={**event.payload, "invitation": seen})
    if unsaid:
        return _("The meeting is planned, but nobody was told: %s") % unsaid
    return _("The meeting is planned, and %s is told.") % _answers_to(invitation, message)


def _answers_to(invitation: dict[str, Any], message: Message) -> str:
    """The organizer, if it is who wrote or another address of the customer's; else who wrote: an invitation may name
    anybody, and nobody learns from us what a customer's mail told us."""
    organizer: str = invitation["organizer"]
    theirs = message.contact is not None and message.contact.emails.filter(address=organizer).exists()
    return organizer if organizer and (organizer == message.to or theirs) else message.to


def _answer(event: Event, message: Message, user: User, title: str) -> None:
    invitation, channel = event.data("invitation"), message.channel
    language = message.contact.language if message.contact else ""
    ours = parseaddr(channel.sender)[1]
    calendar = invitations.accepted(invitation, ours, user.name)
    with override(language or user.language):
        subject = _("Accepted: %s") % title
        text = _("%(who)s accepts the invitation to “%(title)s”.") % {"who": user.name, "title": title}
    sending.queue_message(
        Outgoing(
            channel=channel,
            to=_answers_to(invitation, message),
            subject=subject,
            text=text,
            contact=event.item.contact if event.item else None,
            item=event.item,
            author=user,
            language=language,
            survives_leaving=True,
            answers=message,
            files=[NewFile(calendar, "invite.ics", REPLY)],
        )
    )
