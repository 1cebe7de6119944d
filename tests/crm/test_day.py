"""A person's day, the calendar and its private feed."""

from datetime import timedelta

import pytest
from icalendar import Calendar

from crm.ground import clock
from crm.models import Task


@pytest.fixture
def bob(world, client):
    client.force_login(world.bob)
    return client


def test_the_day_sorts_tasks_by_when_they_are_due(world, now, bob):
    item = world.deal("Stół")
    for title, hours in (("Late one", -2), ("Today one", 2), ("Later one", 72)):
        Task.add(item=item, title=title, assignee=world.bob, deadline=now + timedelta(hours=hours))
    Task.add(title="Some day", assignee=world.bob)
    Task.add(item=item, title="Hers", assignee=world.alice)
    page = bob.get("/day/").content.decode()
    places = [page.index(text) for text in ("Late one", "Today one", "Later one", "Some day")]
    assert places == sorted(places)
    assert "Hers" not in page


def test_a_task_is_done_from_the_day_and_one_returns_there(world, bob):
    task = Task.add(title="Order oil", assignee=world.bob)
    answer = bob.post(f"/tasks/{task.pk}/status/", {"status": "done", "next": "/day/?kind=task"})
    assert answer.url == "/day/?kind=task"
    task.refresh_from_db()
    assert task.status == "done"
    assert bob.post(f"/tasks/{task.pk}/status/", {"status": "new", "next": "https://evil.example/"}).url == "/day/"


def test_calls_alone_can_be_shown_and_nonsense_is_404(world, bob):
    Task.add(title="Ring", kind="call", assignee=world.bob)
    Task.add(title="Write", assignee=world.bob)
    page = bob.get("/day/?kind=call").content.decode()
    assert "Ring" in page
    assert "Write" not in page
    assert bob.get("/day/?kind=nap").status_code == 404


@pytest.mark.parametrize("query", ["", "?span=month", "?on=2026-02-28", "?span=month&on=2028-02-29"])
def test_the_calendar_shows_weeks_and_months(world, now, bob, query):
    Task.add(title="Meeting", kind="meeting", assignee=world.bob, deadline=now + timedelta(hours=3))
    page = bob.get(f"/calendar/{query}")
    assert page.status_code == 200
    assert ("Meeting" in page.content.decode()) is ("on=" not in query)


@pytest.mark.parametrize("on", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_no_calendar_has_is_404(world, bob, on):
    assert bob.get(f"/calendar/?on={on}").status_code == 404


def test_the_feed_is_private_and_stops_when_its_address_is_renewed(world, now, bob, client):
    item = world.deal("Secret customer")
    Task.add(item=item, title="Ring Żaneta", assignee=world.bob, deadline=now + timedelta(hours=1))
    bob.post("/calendar/feed/", {"on": "1"})
    world.bob.refresh_from_db()
    address = f"/calendar/{world.bob.feed_token}.ics"
    client.logout()
    with clock.at(now):
        book = Calendar.from_ical(client.get(address).content)
    entries = [str(entry["summary"]) for entry in book.walk("VEVENT")]
    assert entries == ["Ring Żaneta"]
    client.force_login(world.bob)
    client.post("/calendar/feed/", {"on": "1"})
    assert client.get(address).status_code == 404
    client.post("/calendar/feed/", {"on": "0"})
    world.bob.refresh_from_db()
    assert world.bob.feed_token is None
    assert client.get("/calendar/None.ics").status_code == 404


def test_charlie_keeps_no_task_of_a_card_he_no_longer_sees(world, client):
    item = world.deal("Stół")
    Task.add(item=item, title="Old duty", assignee=world.charlie)
    client.force_login(world.charlie)
    assert "Old duty" not in client.get("/day/").content.decode()
