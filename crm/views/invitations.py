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

from crm import clock, databases, sending
from crm.access import staff_of_ours
from crm.mail import invitations
from crm.mail.composing import NewFile
from crm.models import Event, Item, Message, Task, User

REPLY = "text/calendar; method=REPLY"


@staff_of_ours
@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    user: Any = request.user
    event = get_object_or_404(Event.objects.filter(item__in=Item.objects.visible_to(user)), pk=pk)
    if event.data("invitation", {}).get("method") != "REQUEST":
        raise Http404
    event.item.require(user, "edit")
    try:
        with transaction.atomic():
            done = _accepted(event.pk, user)
    except sending.CannotSend as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, done)
    return redirect("item", event.item_id)


def _accepted(pk: int, user: User) -> str:
    """The meeting and the answer, in one transaction; what to tell the person. Raises CannotSend."""
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
    _answer(event, message, user, title)
    seen = {**invitation, "accepted_by": user.name, "accepted_at": clock.now().isoformat()}
    Event.objects.filter(pk=pk).update(payload={**event.payload, "invitation": seen})
    return _("The meeting is planned, and %s is told.") % (invitation["organizer"] or message.to)


def _answer(event: Event, message: Message, user: User, title: str) -> None:
    invitation, channel = event.data("invitation"), message.channel
    language = message.contact.language if message.contact else ""
    ours = parseaddr(channel.sender)[1]
    calendar = invitations.accepted(invitation, ours, user.name)
    with override(language or user.language):
        subject = _("Accepted: %s") % title
        text = _("%(who)s accepts the invitation to “%(title)s”.") % {"who": user.name, "title": title}
    sending.queue_message(
        channel=channel,
        to=invitation["organizer"] or message.to,
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
