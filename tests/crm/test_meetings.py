"""Planned calls and meetings: the customer is invited, answers by mail, hears of changes; the timeline says what it is."""

from datetime import timedelta
from email.message import EmailMessage

import pytest
from icalendar import Calendar

from automation.models import Run
from crm.ground import clock
from crm.ground.refused import Refused
from crm.messages.mail.inbox import received_mail
from crm.messages.mail.reading import read
from crm.models import Event, Invite, Item, Message, Task
from tests.crm.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

MEETING = {
    "title": "Visit of {{ contact.name }}",
    "amount": "2",
    "unit": "working_days",
    "at": "10:00",
    "minutes": "90",
    "place": "Showroom",
    "invites": "on",
}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def calendars():
    """What the customer's program got, oldest first."""
    found = []
    for message in Message.objects.filter(direction="out").order_by("pk"):
        for file in message.attachments.all():
            with file.file.open("rb") as content:
                found.append((file.kind, Calendar.from_ical(content.read())))
    return found


def event_of(book):
    return next(iter(book.walk("VEVENT")))


def met(world, drain, **settings):
    world.rule("talk", "schedule_meeting", MEETING | settings)
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    return deal, Task.objects.get()


def reply(book, answer="ACCEPTED", attendee="hang@example.com", sender=None, sequence=None):
    """As Outlook and Gmail answer."""
    event = event_of(book)
    text = (
        "BEGIN:VCALENDAR\r\nPRODID:-//Theirs//EN\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\n"
        f"UID:{event['UID']}\r\nSEQUENCE:{event['SEQUENCE'] if sequence is None else sequence}\r\n"
        f"DTSTAMP:20261118T090000Z\r\nDTSTART:20261120T090000Z\r\n"
        f'ATTENDEE;CN="Hang";PARTSTAT={answer}:mailto:{attendee}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
    )
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender or attendee, "shop@example.com", "Re: Invitation"
    mail["Message-ID"] = f"<{answer}-{attendee}-{sequence}@theirs.example>"
    mail.set_content("See the calendar.")
    mail.add_alternative(text.encode(), maintype="text", subtype="calendar", params={"method": "REPLY"})
    return read(mail.as_bytes())


def test_a_rule_plans_a_meeting_and_invites_the_customer(world, drain):
    _deal, task = met(world, drain)
    assert (task.kind, task.minutes, task.place, task.assignee) == ("meeting", 90, "Showroom", world.bob)
    assert task.title == f"Visit of {world.contact.name}"
    assert task.deadline.isoformat() == "2026-11-20T09:00:00+00:00"  # Friday, 10:00 in Warsaw
    [(kind, book)] = calendars()
    event = event_of(book)
    assert kind == "text/calendar; method=REQUEST"
    assert (str(book["METHOD"]), int(event["SEQUENCE"])) == ("REQUEST", 0)
    assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(minutes=90)
    assert "hang@example.com" in str(event["ATTENDEE"])
    assert Run.objects.get().status == "done"


@pytest.mark.parametrize("answer", ["ACCEPTED", "DECLINED", "TENTATIVE"])
def test_their_answer_by_mail_stands_on_the_card(world, drain, client, answer):
    deal, task = met(world, drain)
    received_mail(world.email, reply(calendars()[0][1], answer))
    invite = Invite.objects.get()
    assert invite.answer == answer.lower()
    event = Event.objects.get(kind="meeting.answered")
    assert event.item == Item.objects.get(pk=deal.pk)
    assert world.bob.notifications.filter(text__icontains=task.title).exists() or world.bob.notifications.count() >= 2
    client.force_login(world.bob)
    page = client.get(f"/tasks/{task.pk}/").content.decode()
    assert invite.get_answer_display() in page
    assert task.title in client.get(f"/items/{deal.pk}/").content.decode()


def test_an_answer_of_somebody_else_or_to_an_older_time_counts_for_nothing(world, drain):
    _deal, task = met(world, drain)
    book = calendars()[0][1]
    received_mail(world.email, reply(book, attendee="mallory@example.org"))
    assert Invite.objects.get().answer == ""
    task.change({"deadline": task.deadline + timedelta(days=1)}, by=world.bob)
    received_mail(world.email, reply(book, sequence=0))
    assert Invite.objects.get().answer == "", "they accepted another day"
    received_mail(world.email, reply(book, sequence=1))
    assert Invite.objects.get().answer == "accepted"


def test_a_change_moves_it_in_their_calendar_and_calling_it_off_removes_it(world, drain, client):
    _deal, task = met(world, drain)
    received_mail(world.email, reply(calendars()[0][1]))
    client.force_login(world.bob)
    assert 'value="2026-11-20T' in client.get(f"/tasks/{task.pk}/").content.decode()
    data = {"title": task.title, "deadline": "2026-11-23T11:00", "minutes": "60", "place": "Online"}
    assert client.post(f"/tasks/{task.pk}/", data | {"assignee": world.bob.pk}).status_code == 302
    assert Invite.objects.get().answer == "", "they are asked anew"
    client.post(f"/tasks/{task.pk}/status/", {"status": "cancelled"})
    asked, moved, gone = [(str(book["METHOD"]), event_of(book)) for _kind, book in calendars()]
    assert [method for method, _event in (asked, moved, gone)] == ["REQUEST", "REQUEST", "CANCEL"]
    assert len({str(event["UID"]) for _method, event in (asked, moved, gone)}) == 1
    assert [int(event["SEQUENCE"]) for _method, event in (asked, moved, gone)] == [0, 1, 2]
    assert str(moved[1]["LOCATION"]) == "Online"
    assert str(gone[1]["STATUS"]) == "CANCELLED"


def test_what_nobody_was_told_is_said_to_the_colleague(world, drain):
    _deal, task = met(world, drain)
    world.contact.no_email = True
    world.contact.save()
    task.change({"place": "Elsewhere"}, by=world.bob)
    assert len(calendars()) == 1
    assert any("was not told" in row.text for row in world.bob.notifications.all())


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"date_field": "due_date", "amount": ""}, "empty"),
        ({}, "no e-mail address"),
    ],
)
def test_what_cannot_be_planned_fails_with_its_reason_and_leaves_nothing(world, drain, wanted, why):
    if not wanted:
        world.contact.emails.all().delete()
    world.rule("talk", "schedule_meeting", MEETING | wanted)
    world.move(world.deal(), "talk")
    drain()
    run = Run.objects.get()
    assert run.status == "failed"
    assert why in run.error
    assert not Task.objects.exists()


def test_a_rule_plans_a_call_that_tells_the_salesperson_and_stands_in_list_and_calendar(world, drain, client):
    world.rule("talk", "schedule_call", {"title": "Ring {{ contact.name }}", "amount": "1", "unit": "hours"})
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    task = Task.objects.get()
    assert (task.kind, task.assignee, task.deadline) == ("call", world.bob, clock.now() + timedelta(hours=1))
    assert world.bob.notifications.filter(item=deal).exists()
    client.force_login(world.bob)
    for page in ("/day/", "/calendar/?on=2026-11-18", f"/items/{deal.pk}/"):
        assert task.title in client.get(page).content.decode()
    assert "Call planned" in client.get(f"/items/{deal.pk}/").content.decode()
    assert not Message.objects.exists(), "nothing is dialled or sent"


def test_who_takes_part_has_it_in_the_day_and_strangers_do_not(world, drain, client):
    _deal, task = met(world, drain, participants=[str(world.alice.pk)])
    client.force_login(world.alice)
    assert task.title in client.get("/day/").content.decode()
    client.force_login(world.charlie)
    assert client.get(f"/tasks/{task.pk}/").status_code == 404
    assert client.post(f"/tasks/{task.pk}/", {"title": "x", "minutes": "5"}).status_code == 404


def test_a_colleague_plans_and_invites_on_the_card_or_by_a_program(world, client):
    deal = world.deal()
    client.force_login(world.bob)
    data = {"kind": "meeting", "title": "Fitting", "deadline": "2026-11-25T10:00", "invites": "on", "minutes": "45"}
    assert client.post(f"/items/{deal.pk}/write/task/", data).status_code == 302
    assert Invite.objects.get().address == "hang@example.com"
    refused = client.post(f"/items/{deal.pk}/write/task/", data | {"kind": "call"})
    assert refused.status_code == 422
    assert b"Only to a meeting" in refused.content
    caller = Caller(client, world.bob)
    body = {
        "item": deal.pk,
        "title": "By program",
        "kind": "meeting",
        "deadline": "2026-11-26T10:00:00Z",
        "invite": True,
    }
    made = caller.post("/tasks", body)
    assert (made.status_code, made.data["invited"]) == (201, "hang@example.com")
    changed = caller("PATCH", f"/tasks/{made.data['id']}", {"place": "Hall 3"})
    assert (changed.data["place"], changed.data["answer"]) == ("Hall 3", "")
    assert Invite.objects.get(task=made.data["id"]).sequence == 1
    assert caller.post("/tasks", body | {"kind": "task"}).status_code == 422


def test_a_meeting_without_a_time_is_refused_at_every_door(world, client):
    client.force_login(world.bob)
    deal = world.deal()
    with pytest.raises(Refused):
        Task.add(item=deal, kind="meeting", title="x", assignee=world.bob)
    sent = {"kind": "meeting", "title": "Fitting"}
    page = client.post(f"/items/{deal.pk}/write/task/", sent)
    assert "When does it take place?" in page.content.decode()
    assert not Task.objects.exists()
