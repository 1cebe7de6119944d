"""E15 to E22: time."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.timing import Timing
from crm.company import calendars
from crm.company.calendars import WorkingTime
from crm.ground import clock
from crm.models import CalendarException, CustomField

WARSAW = WorkingTime(zone="Europe/Warsaw", hours=dict.fromkeys(range(5), ((540, 1020),)), country="PL")


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def due(start, calendar=WARSAW, zone="Europe/Warsaw", value=None, **timing):
    return Timing(**timing).due(start, calendar, zone, value)


WED = utc(2026, 11, 18, 9)  # 10:00 in Warsaw


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        ({"when": "now"}, WED),
        ({"when": "delay", "amount": 45, "unit": "seconds"}, WED + timedelta(seconds=45)),
        ({"when": "delay", "amount": 2, "unit": "weeks"}, WED + timedelta(days=14)),
        ({"when": "delay", "amount": 3, "unit": "months"}, utc(2027, 2, 18, 9)),
        ({"when": "delay", "amount": 90, "unit": "working_minutes"}, utc(2026, 11, 18, 10, 30)),
        ({"when": "time", "at": time(9)}, utc(2026, 11, 19, 8)),
        ({"when": "time", "at": time(23), "working_only": True}, utc(2026, 11, 19, 8)),
    ],
)
def test_E15_when_a_rule_runs(timing, expected):
    assert due(WED, **timing) == expected


@pytest.mark.parametrize(
    ("sign", "amount", "expected"),
    [(-1, 2, utc(2026, 12, 22, 8)), (1, 0, utc(2026, 12, 24, 8)), (1, 1, utc(2026, 12, 25, 8))],
)
def test_E15_before_at_and_after_a_date(sign, amount, expected):
    timing = {"when": "date", "date_field": "due_date", "amount": amount, "unit": "days", "sign": sign}
    assert due(WED, value=date(2026, 12, 24), **timing) == expected


def test_E15_a_custom_date_field_counts_too(world, now, drain):
    CustomField.objects.create(target="item", key="fitting", label="Fitting", type="date")
    timing = {"when": "date", "date_field": "custom.fitting", "amount": 1, "unit": "days", "side": "before"}
    rule = world.rule("talk", timing=timing)
    item = world.deal(custom={"fitting": "2026-11-20"})
    world.move(item, "talk")
    assert world.run_of(rule).due_at == utc(2026, 11, 19, 8)


def test_E16_a_delay_of_seconds_is_honoured(world, now, drain):
    world.rule("talk", timing={"when": "delay", "amount": 5, "unit": "seconds"})
    item = world.deal()
    world.move(item, "talk")
    with clock.at(now + timedelta(seconds=4)):
        drain()
        assert world.comments(item) == []
    with clock.at(now + timedelta(seconds=5)):
        drain()
        assert world.comments(item) == ["hello"]


SPRING = utc(2026, 3, 28, 10)  # Saturday 11:00; the clocks go forward in the night


def test_E17_24_hours_are_elapsed_and_a_day_keeps_the_clock():
    assert due(SPRING, when="delay", amount=24, unit="hours") == utc(2026, 3, 29, 10)
    assert due(SPRING, when="delay", amount=1, unit="days") == utc(2026, 3, 29, 9)


def test_E17_a_time_in_the_spring_gap_moves_on_and_an_autumn_one_is_the_first():
    gap = calendars.localise(date(2026, 3, 29), time(2, 30), "Europe/Warsaw")
    assert gap.astimezone(calendars._zone("Europe/Warsaw")).time() == time(3, 30)
    assert calendars.localise(date(2026, 10, 25), time(2, 30), "Europe/Warsaw") == utc(2026, 10, 25, 0, 30)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 31)),
    st.integers(0, 40),
    st.sampled_from(
        [
            "Europe/London",
            "America/New_York",
            "Asia/Ho_Chi_Minh",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
            "Africa/Casablanca",
        ]
    ),
)
def test_E17_days_keep_the_local_clock_or_move_on_by_the_gap(start, days, zone):
    start = start.replace(tzinfo=UTC)
    local = start.astimezone(calendars._zone(zone))
    result = calendars.add_days(start, days, zone).astimezone(calendars._zone(zone))
    assert result.date() - local.date() == timedelta(days=days)
    moved = datetime.combine(date.min, result.time()) - datetime.combine(date.min, local.time())
    assert timedelta(0) <= moved <= timedelta(hours=1)


def test_E17_the_owners_zone_is_used_where_the_rule_says_so(world, now, drain):
    world.bob.zone = "America/New_York"
    world.bob.save()
    timing = {"when": "time", "at": "09:00", "zone_of": "owner"}
    rule = world.rule("talk", timing=timing)
    world.move(world.deal(), "talk")
    assert world.run_of(rule).due_at == utc(2026, 11, 18, 14)


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        (utc(2026, 11, 18, 15, 45), 30, utc(2026, 11, 19, 8, 15)),  # 16:45, quarter of an hour left today
        (utc(2026, 11, 20, 20), 30, utc(2026, 11, 23, 8, 30)),  # Friday night: Monday
        (utc(2026, 11, 10, 15, 50), 30, utc(2026, 11, 12, 8, 20)),  # 11 November is a holiday in Poland
        (utc(2026, 11, 18, 9), 480, utc(2026, 11, 19, 9)),
    ],
)
def test_E18_working_minutes_count_only_inside_the_calendar(start, minutes, expected):
    assert due(start, when="delay", amount=minutes, unit="working_minutes") == expected


def test_E18_working_days_before_a_date_are_subtracted_once():
    timing = {
        "when": "date",
        "date_field": "due_date",
        "amount": 2,
        "unit": "working_days",
        "sign": -1,
        "working_only": True,
    }
    # Thursday 15 April 2027: Tuesday 13 April, 9:00
    assert due(WED, value=date(2027, 4, 15), **timing) == utc(2027, 4, 13, 7)
    # Monday 19 April: Thursday, not Wednesday
    assert due(WED, value=date(2027, 4, 19), **timing) == utc(2027, 4, 15, 7)


@given(st.datetimes(datetime(2025, 1, 1), datetime(2028, 12, 31)), st.integers(0, 5000))
def test_E18_working_minutes_there_and_back_lead_to_the_same_opening(start, minutes):
    start = WARSAW.next_opening(start.replace(tzinfo=UTC))
    end = WARSAW.add_minutes(start, minutes)
    back = WARSAW.subtract_minutes(end, minutes)
    assert WARSAW.add_minutes(back, minutes) == end
    assert back <= start


def test_E18_a_calendar_that_never_opens_fails_readably(world, now, drain):
    world.calendar.hours.all().delete()
    rule = world.rule("talk", timing={"when": "delay", "amount": 5, "unit": "working_minutes"})
    world.move(world.deal(), "talk")
    assert world.run_of(rule).status == "failed"
    assert "never opens" in world.run_of(rule).error


def test_E18_a_company_holiday_closes_the_day(world, now):
    CalendarException.objects.create(calendar=world.calendar, day=date(2026, 11, 19), name="Outing")
    assert world.calendar.working_time().add_days(WED, 1) == utc(2026, 11, 20, 9)


def test_E19_an_instant_already_past_runs_at_once(world, now, drain):
    timing = {"when": "date", "date_field": "due_date", "amount": 0, "unit": "days"}
    world.rule("talk", timing=timing)
    item = world.deal(due_date=date(2026, 11, 1))
    world.move(item, "talk")
    drain()
    assert world.comments(item) == ["hello"]


def test_E19_unless_skip_if_late_says_otherwise(world, now, drain):
    timing = {"when": "date", "date_field": "due_date", "amount": 0, "unit": "days", "late_limit": 60}
    rule = world.rule("talk", timing=timing)
    world.move(world.deal(due_date=date(2026, 11, 1)), "talk")
    drain()
    assert world.run_of(rule).status == "skipped"
    assert "late" in world.run_of(rule).error


def test_E20_a_run_waits_for_its_date_and_follows_it(world, now, drain):
    rule = world.rule("talk", timing={"when": "date", "date_field": "due_date", "amount": 0, "unit": "days"})
    item = world.deal()
    world.move(item, "talk")
    assert (world.run_of(rule).status, world.run_of(rule).due_at) == ("planned", None)
    assert world.run_of(rule).waiting_for == "date:due_date"
    item.change({"due_date": date(2026, 12, 1)}, by=world.bob)
    assert world.run_of(rule).due_at == utc(2026, 12, 1, 8)
    item.change({"due_date": date(2026, 12, 3)}, by=world.bob)
    assert world.run_of(rule).due_at == utc(2026, 12, 3, 8)
    item.change({"due_date": None}, by=world.bob)
    assert (world.run_of(rule).due_at, world.run_of(rule).waiting_for) == (None, "date:due_date")
    drain()
    assert world.comments(item) == []


def test_E22_after_downtime_overdue_runs_start_oldest_first_each_once(world, now, drain):
    for hours in (3, 1, 2):
        world.rule("talk", settings={"text": str(hours)}, timing={"when": "delay", "amount": hours, "unit": "hours"})
    late = {"when": "delay", "amount": 4, "unit": "hours", "late_limit": 30}
    world.rule("talk", settings={"text": "too late"}, timing=late)
    item = world.deal()
    world.move(item, "talk")
    with clock.at(now + timedelta(days=3)):
        drain()
        drain()
    assert world.comments(item) == ["1", "2", "3"]
    assert world.runs(item)[-1].status == "skipped"
