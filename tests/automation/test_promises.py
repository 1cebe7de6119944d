"""Working time, zones, held dates, changed fields, chains that go on, lanes: what execution.md promises."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from automation.engine import control
from automation.models import Run
from automation.timing import Timing, TimingForm
from crm.company.calendars import WorkingTime
from crm.ground import clock
from crm.models import Job
from crm.work import lanes
from crm.work.jobs import may_retry, retry_limit

WARSAW = WorkingTime(zone="Europe/Warsaw", hours=dict.fromkeys(range(5), ((540, 1020),)), country="PL")
HERE = ZoneInfo("Europe/Warsaw")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=HERE)


def due(start, value=None, **timing):
    return Timing(working_only=True, **timing).due(start, WARSAW, "Europe/Warsaw", value)


def before(amount, unit, event):
    return due(at(2026, 11, 16, 10), event, when="date", date_field="x", amount=amount, unit=unit, sign=-1)


def test_E18_working_days_before_a_date_are_not_shifted_again():
    assert before(3, "working_days", at(2027, 5, 4, 17)) == at(2027, 4, 28, 17)


def test_E18_working_minutes_that_end_at_closing_end_at_closing():
    friday = at(2026, 11, 20, 16, 50)
    assert due(friday, when="delay", amount=10, unit="working_minutes") == at(2026, 11, 20, 17)


@pytest.mark.parametrize(
    ("amount", "unit", "event", "expected"),
    [
        (1, "hours", at(2026, 11, 22, 10), at(2026, 11, 20, 17)),  # Sunday: back to Friday's closing
        (1, "days", at(2026, 11, 23, 9), at(2026, 11, 20, 17)),
        (1, "hours", at(2026, 11, 23, 9, 30), at(2026, 11, 23, 9)),  # the opening is still before it
    ],
)
def test_E15_before_moves_on_only_if_that_is_still_before_the_event(amount, unit, event, expected):
    assert before(amount, unit, event) == expected


def test_E18_a_run_due_at_closing_is_performed_at_closing_and_within_a_quarter_of_an_hour(world, drain):
    timing = {"when": "delay", "amount": 10, "unit": "working_minutes", "working_only": True}
    for late, status in ((0, "done"), (15, "done"), (16, "planned")):
        with clock.at(at(2026, 11, 20, 16, 50)):
            rule = world.rule("talk", timing=timing)
            card = world.deal()
            world.move(card, "talk")
        with clock.at(at(2026, 11, 20, 17) + timedelta(minutes=late)):
            drain()
        assert world.run_of(rule, card).status == status, late
        rule.is_enabled = False
        rule.save()


@pytest.mark.parametrize("entered", ["with the date past", "before it was due"])
def test_E22_a_date_rule_only_in_working_time_is_never_performed_outside_it(world, drain, entered):
    timing = {"when": "date", "date_field": "due_date", "amount": 0, "unit": "days", "working_only": True}
    rule = world.rule("talk", timing=timing)
    saturday = at(2026, 11, 21, 2)
    with clock.at(saturday if entered == "with the date past" else at(2026, 11, 19, 10)):
        card = world.deal(due_date=date(2026, 11, 20))
        world.move(card, "talk")
    with clock.at(saturday):
        drain()
    run = world.run_of(rule)
    assert (run.status, run.due_at) == ("planned", at(2026, 11, 23, 9).astimezone(UTC))
    with clock.at(at(2026, 11, 23, 9)):
        drain()
    assert world.run_of(rule).status == "done"


def test_E17_two_days_later_at_half_past_nine():
    found = Timing.of({"when": "delay", "amount": 2, "unit": "days", "delay_at": "09:30"})
    assert found.due(at(2026, 11, 18, 16), WARSAW, "Europe/Warsaw") == at(2026, 11, 20, 9, 30)
    assert "09:30" in found.words()


def test_E17_the_contacts_zone_is_its_own_else_the_only_one_of_the_phones_country(world, now, drain, client):
    rule = world.rule("talk", timing={"when": "time", "at": "09:00", "zone_of": "contact"})
    contact = world.contact
    contact.phones.all().delete()
    for number, zone, hour in (
        ("+84912345678", "", 2),
        ("+12125550123", "", 8),
        ("+12125550123", "America/Chicago", 15),
    ):
        contact.phones.all().delete()
        contact.add_phone(number)
        contact.zone = zone
        contact.save()
        card = world.deal()
        world.move(card, "talk")
        assert world.run_of(rule, card).due_at.hour == hour, (number, zone)
    client.force_login(world.bob)
    page = client.get(f"/items/{card.pk}/").content.decode()
    assert "By the contact’s time zone, America/Chicago." in page or "time zone, America/Chicago." in page


def test_E20_a_held_run_is_released_to_the_date_as_it_is_by_then(world, now, drain):
    rule = world.rule("talk", timing={"when": "date", "date_field": "due_date", "amount": 0, "unit": "days"})
    item = world.deal(due_date=date(2026, 12, 20))
    world.move(item, "talk")
    control.hold(world.run_of(rule), world.bob)
    item.change({"due_date": date(2026, 11, 25)}, by=world.bob)
    control.release(world.run_of(rule), world.bob)
    assert world.run_of(rule).due_at == datetime(2026, 11, 25, 8, tzinfo=UTC)
    control.hold(world.run_of(rule), world.bob)
    item.change({"due_date": None}, by=world.bob)
    control.release(world.run_of(rule), world.bob)
    assert (world.run_of(rule).due_at, world.run_of(rule).waiting_for) == (None, "date:due_date")


def test_E23_a_condition_reads_what_changed_in_the_event_by_which_a_trigger_moved_the_card(world, now, drain):
    world.trigger("papers", type="field_changed", settings={"fields_watched": ["source"]})
    fits = {"all": [{"field": "item.source", "op": "became", "value": "fair"}]}
    rule = world.rule("papers", condition=fits)
    item = world.deal(source="web", stage="talk")
    item.change({"source": "fair"}, by=world.bob)
    drain()
    item.refresh_from_db()
    assert item.stage.name == "Papers"
    assert world.run_of(rule).status == "done"


def test_E46_run_again_goes_on_with_the_rules_after_it(world, now, drain):
    world.rule("talk", "send_sms", {"text": "{{ item.amount | needed }}"}, key="first", order=1)
    world.rule("talk", settings={"text": "second"}, after_previous="done", key="second", order=2)
    world.rule("talk", settings={"text": "third"}, after_previous="done", key="third", order=3)
    item = world.deal()
    world.move(item, "talk")
    drain()
    first = world.runs(item)[0]
    assert [run.status for run in world.runs(item)] == ["failed", "skipped", "skipped"]
    first.rule.action, first.rule.settings = "add_comment", {"text": "first"}
    first.rule.save()
    control.run_again(first, world.bob)
    drain()
    assert world.comments(item) == ["first", "second", "third"]


def test_nobody_waits_for_many_cards_moved_at_once_nor_for_what_follows_from_them(world, now, drain, client):
    world.rule("talk", "create_task", {"title": "Call", "who": "owner"}, order=1)
    world.rule("talk", after_previous="ended", order=2)
    cards = [world.deal(f"Card {number}") for number in range(lanes.MANY + 1)]
    client.force_login(world.bob)
    ids = [str(card.pk) for card in cards]
    client.post(f"/board/{world.pipeline.pk}/move-many/", {"id": ids, "to": world.stages["talk"].pk})
    moved = Run.objects.filter(item__in=cards)
    assert moved.count() == 2 * len(cards)
    assert set(moved.values_list("lane", flat=True)) == {lanes.BULK}
    single = world.deal("Urgent")
    world.move(single, "talk")
    assert {run.lane for run in world.runs(single)} == {lanes.SOMEBODY}


def test_what_falls_due_some_time_and_what_a_bulk_job_plans_is_nobodys(world, now, drain):
    rule = world.rule("talk", timing={"when": "delay", "amount": 1, "unit": "hours"})
    item = world.deal()
    world.move(item, "talk")
    assert world.run_of(rule).lane == lanes.BULK
    with lanes.within(2):
        assert Job.plan("match", "match:x", payload={"event": 0}).lane == lanes.BULK


@pytest.mark.parametrize(("amount", "unit"), [(100_000, "months"), (2_600, "working_days"), (600, "weeks")])
def test_a_delay_beyond_ten_years_is_refused_at_save(amount, unit, db):
    form = TimingForm({"when": "delay", "amount": amount, "unit": unit})
    assert "more than ten years" in str(form.errors)


def test_absent_until_monday_is_absent_now(world, now):
    world.bob.absent_until = now + timedelta(days=3)
    assert world.bob.is_absent(now)
    assert not world.bob.is_absent(now + timedelta(days=4))


def test_a_finished_run_shows_no_deadline_of_its_wait(world, now, drain):
    rule = world.rule("talk", "send_sms", {"text": "Hello"})
    world.move(world.deal(), "talk")
    drain()
    run = world.run_of(rule)
    assert run.status in ("done", "failed")
    assert run.due_at is None


def test_E45_the_last_try_lies_within_the_limit(world, now):
    job = Job.objects.create(
        kind="match", key="late", due_at=now, first_failed_at=now - timedelta(hours=23), attempts=7
    )
    job.retry(timedelta(hours=10), "busy", retry_limit(job))
    assert job.due_at == now + timedelta(hours=1)
    assert not may_retry(job, retry_after=7200)


def test_E46_run_again_wakes_nothing_that_a_person_ended(world, now, drain):
    world.rule("talk", "send_sms", {"text": "{{ item.amount | needed }}"}, key="first", order=1)
    second = world.rule("talk", settings={"text": "second"}, after_previous="any", key="second", order=2)
    item = world.deal()
    world.move(item, "talk")
    control.cancel(world.run_of(second), world.bob)
    drain()
    control.run_again(world.runs(item)[0], world.bob)
    drain()
    assert world.comments(item) == []


def test_E30_a_held_run_is_released_to_its_rules_newest_time(world, now, drain):
    rule = world.rule("talk", timing={"when": "delay", "amount": 1, "unit": "hours"})
    world.move(world.deal(), "talk")
    control.hold(world.run_of(rule), world.bob)
    rule.timing = {"when": "delay", "amount": 3, "unit": "days"}
    rule.save()
    control.release(world.run_of(rule), world.bob)
    assert world.run_of(rule).due_at == now + timedelta(days=3)


def test_E22_what_is_put_off_beyond_its_limit_is_skipped(world, drain):
    timing = {"when": "date", "date_field": "due_date", "amount": 0, "unit": "days", "working_only": True}
    rule = world.rule("talk", timing=timing | {"late_limit": 600})
    with clock.at(at(2026, 11, 19, 10)):
        world.move(world.deal(due_date=date(2026, 11, 20)), "talk")
    with clock.at(at(2026, 11, 20, 17, 30)):  # nine hours late at closing, three days at the next opening
        drain()
    assert world.run_of(rule).status == "skipped"


def test_E18_what_closes_at_midnight_is_reached_at_midnight():
    late = WorkingTime(zone="Europe/Warsaw", hours=dict.fromkeys(range(7), ((540, 1440),)))
    assert late.reaches(at(2026, 11, 21, 0))
    assert not late.reaches(at(2026, 11, 21, 0, 1))
