"""Inviting a customer to a meeting of ours (iTIP, RFC 5546): REQUEST, again when it changes, CANCEL; and their answer."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override
from icalendar import Calendar, Event, vCalAddress, vText

from crm import slots
from crm.company.models import OwnCompany
from crm.events.notice import notify
from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.sentences import said
from crm.items.models.tasks import Task
from crm.messages import sending
from crm.messages.mail.composing import NewFile
from crm.messages.models.invites import Invite
from crm.messages.models.messages import Channel, Medium
from crm.messages.outgoing import Outgoing
from crm.people.models import User

ANSWERS = {
    "ACCEPTED": Invite.Answer.ACCEPTED,
    "DECLINED": Invite.Answer.DECLINED,
    "TENTATIVE": Invite.Answer.TENTATIVE,
}


def invite(task: Task, *, by: User, **more: Any) -> Invite:
    """Send the card's customer an invitation to the meeting.

    Args:
        by: who is shown as its sender. more: further arguments of `Outgoing` (a rule's origin and depth).
    Raises CannotSend in words: no address, a refusal, a meeting without a time.
    """
    item: Any = task.item
    contact = item.contact if item is not None else None
    to = contact.email(item) if contact is not None else ""
    if not to:
        raise sending.CannotSend(said("invite.no_address", "The customer has no e-mail address to be invited by."))
    if task.deadline is None:
        raise sending.CannotSend(said("invite.no_time", "A meeting without a time can be sent to nobody."))
    if task.deadline <= clock.now():
        raise sending.CannotSend(said("invite.past", "The meeting lies in the past; nobody can be invited to it."))
    made = Invite(task=task, contact=contact, address=to)
    _send(made, "REQUEST", by, **more)
    made.save()
    return made


def changed(task: Task, by: User | None) -> None:
    """Slot task_changed: their calendar moves the meeting, and asks them anew."""
    found = Invite.objects.filter(task=task).first()
    if found is None or not task.is_open:
        return
    found.sequence += 1
    found.answer, found.answered_at = Invite.Answer.NONE, None
    found.save()
    # Without a time it does not take place for them.
    _send_or_tell(found, "REQUEST" if task.deadline is not None else "CANCEL", by)


def ended(task: Task) -> None:
    """Slot task_ended: a meeting that was called off disappears from their calendar; one that took place stays."""
    found = Invite.objects.filter(task=task, starts_at__gt=clock.now()).first()
    if found is not None and task.status == Task.Status.CANCELLED:
        _call_off(found)


def binned(item: Any) -> None:
    """Slot item_binned: with its card a meeting goes."""
    for found in Invite.objects.filter(task__item=item, task__status__in=Task.OPEN, starts_at__gt=clock.now()):
        _call_off(found, with_item=False)


def _call_off(found: Invite, *, with_item: bool = True) -> None:
    """`with_item`: a message about a card in the bin would not leave."""
    found.sequence += 1
    found.save()
    _send_or_tell(found, "CANCEL", found.task.assignee or found.task.creator, with_item=with_item)


def _send_or_tell(found: Invite, method: str, by: User | None, *, with_item: bool = True) -> None:
    """What cannot be sent stops nobody from changing a meeting; its people are told instead."""
    try:
        _send(found, method, by, with_item=with_item)
    except sending.CannotSend as refused:
        words = said("invite.unsent", "%(who)s was not told of the change of “%(title)s”: %(why)s")
        people = [person for person in (by, found.task.assignee) if person is not None]
        told = words % {"who": found.address, "title": found.task.title, "why": str(refused)}
        notify(people, told, item=found.task.item, kind="task")


def _send(found: Invite, method: str, by: User | None, *, with_item: bool = True, **more: Any) -> None:
    task, contact = found.task, found.contact
    is_moved = found.starts_at != task.deadline
    found.starts_at = task.deadline or found.starts_at
    item: Any = task.item if with_item else None
    channel = sending.channel_for(Medium.EMAIL)
    language = contact.language if contact else ""
    with override(language or (by.language if by else "") or None):
        moment = timezone.localtime(found.starts_at, ZoneInfo(_zone(task)))
        words = {"title": task.title, "when": date_format(moment, "DATETIME_FORMAT"), "zone": _zone(task)}
        if method == "CANCEL":
            subject, text = _("Cancelled: %(title)s"), _("“%(title)s” on %(when)s (%(zone)s) does not take place.")
        elif found.sequence and not is_moved:
            subject, text = _("Changed: %(title)s"), _("“%(title)s” on %(when)s (%(zone)s) has changed.")
        elif found.sequence:
            subject, text = _("Moved: %(title)s"), _("“%(title)s” is now on %(when)s (%(zone)s).")
        else:
            subject, text = _("Invitation: %(title)s"), _("You are invited to “%(title)s” on %(when)s (%(zone)s).")
        # The description is a word to colleagues; customers get what the meeting is, when and where.
        body = "\n\n".join(filter(None, [text % words, task.place]))
    sending.queue_message(
        Outgoing(
            channel=channel,
            to=found.address,
            subject=(subject % words)[:250],
            text=body,
            contact=contact,
            item=item,
            author=by,
            language=language,
            survives_leaving=True,
            files=[NewFile(calendar(found, method, channel), "invite.ics", f"text/calendar; method={method}")],
            **more,
        )
    )
    if found.pk is not None:
        found.save(update_fields=["starts_at"])


def _zone(task: Task) -> str:
    contact = task.item.contact if task.item is not None else None
    return (contact.time_zone() if contact is not None else "") or OwnCompany.zone()


def calendar(found: Invite, method: str, channel: Channel) -> bytes:
    """The invitation as calendars read it; times in UTC."""
    task, book, event = found.task, Calendar(), Event()
    assert found.starts_at is not None
    book.add("PRODID", "-//Dealwright//EN")
    book.add("VERSION", "2.0")
    book.add("METHOD", method)
    event.add("UID", found.uid)
    event.add("SEQUENCE", found.sequence)
    event.add("DTSTAMP", clock.now())
    event.add("DTSTART", found.starts_at)
    event.add("DTEND", found.starts_at + timedelta(minutes=task.minutes))
    event.add("SUMMARY", task.title)
    if task.place:
        event.add("LOCATION", task.place)
    event.add("STATUS", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    name, address = parseaddr(channel.sender)
    organizer = vCalAddress(f"mailto:{address}")
    organizer.params["CN"] = vText(name or (task.assignee.name if task.assignee else ""))
    event.add("ORGANIZER", organizer)
    guest = vCalAddress(f"mailto:{found.address}")
    guest.params["PARTSTAT"], guest.params["RSVP"] = vText("NEEDS-ACTION"), vText("TRUE")
    guest.params["CN"] = vText(found.contact.name if found.contact else found.address)
    event.add("ATTENDEE", guest, encode=False)
    book.add_component(event)
    return bytes(book.to_ical())


def answered(reply: dict[str, Any], sender: str) -> Invite | None:
    """What their calendar answered by mail; None where it answers no invitation of ours, or an older one.

    Args:
        reply: as crm.messages.mail.invitations.read_reply gives it. sender: the mail's address.
    """
    found = databases.lock(Invite.objects.filter(uid=reply["uid"])).first()
    answer = ANSWERS.get(reply["answer"])
    if found is None or answer is None or reply["sequence"] < found.sequence:
        return None
    if found.address not in (reply["attendee"], sender):
        return None  # forwarded to somebody else: no answer of the customer's
    found.answer, found.answered_at = answer, clock.now()
    found.save()
    task = found.task
    who = found.contact.name if found.contact else found.address
    payload = {"task": task.pk, "title": task.title, "answer": str(answer), "customer": who}
    record("meeting.answered", item=task.item, contact=found.contact, payload=payload)
    words = {
        Invite.Answer.ACCEPTED: said("meeting.accepted", "%(who)s accepts “%(title)s”."),
        Invite.Answer.DECLINED: said("meeting.declined", "%(who)s declines “%(title)s”."),
        Invite.Answer.TENTATIVE: said("meeting.perhaps", "%(who)s perhaps comes to “%(title)s”."),
    }[answer]
    people = [person for person in (task.assignee, *task.coworkers.all()) if person is not None]
    notify(people, words % {"who": who, "title": task.title}, item=task.item, kind="task")
    return found


slots.task_changed.register(changed)
slots.task_ended.register(ended)
slots.item_binned.register(binned)
