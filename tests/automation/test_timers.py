"""Triggers of time: armed by what happens, precise, told once; and the control of cards that nobody cares for."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation.base import TriggerType, actions, bind, trigger_types
from automation.models import LateItem, Run, TriggerFiring, scope_of
from crm.events import kinds
from crm.events.record import record
from crm.ground import clock
from crm.models import Cause, CustomField, Event, Item, Job, Task
from crm.pipelines.machine import machine_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

IDLE = {"amount": "3", "unit": "hours"}


@pytest.fixture
def at(drain):
    """Perform what is due at an instant."""

    def perform(moment):
        with clock.at(moment):
            drain()

    return perform


def stage_of(deal):
    return Item.objects.get(pk=deal.pk).stage


def timers(**more):
    return Job.objects.filter(kind="timer", status="planned", **more)


# ---------------------------------------------------------------------- no_activity


def test_a_card_that_nobody_cares_for_moves_to_the_second_and_once(world, at):
    world.trigger("talk", "no_activity", IDLE)
    deal = world.deal()
    born = deal.created_at
    assert timers().get().due_at == born + timedelta(hours=3)
    at(born + timedelta(hours=3, seconds=-1))
    assert stage_of(deal) == world.stages["new"]
    at(born + timedelta(hours=3))
    assert stage_of(deal) == world.stages["talk"]
    at(born + timedelta(hours=30))
    assert Event.objects.filter(kind="item.idle", item=deal).count() == 1
    assert TriggerFiring.objects.get().result == "moved"


@pytest.mark.parametrize(
    ("what", "counts"),
    [
        (lambda world, deal: deal.change({"title": "Elm table"}, by=world.bob), True),
        (lambda world, deal: world.move(deal, "talk"), True),
        (lambda world, deal: record("comment.added", item=deal, actor=world.bob, payload={"text": "x"}), True),
        (lambda world, deal: record("email.received", item=deal, cause=Cause("mail")), True),
        (lambda world, deal: record("comment.added", item=deal, cause=Cause("rule", "run:1", 1)), False),
        (lambda world, deal: deal.change({"title": "Elm"}, by=world.bob, cause=Cause("rule", "run:1", 1)), False),
        (lambda world, deal: record("email.failed", item=deal, cause=Cause("system")), False),
    ],
)
def test_what_people_do_counts_and_what_rules_do_does_not(world, at, what, counts):
    world.trigger("pay", "no_activity", IDLE)
    deal = world.deal()
    born = deal.created_at
    with clock.at(born + timedelta(hours=2)):
        what(world, deal)
    at(born + timedelta(hours=4))
    assert (stage_of(deal) == world.stages["pay"]) is not counts
    at(born + timedelta(hours=5))
    assert stage_of(deal) == world.stages["pay"]


def test_saving_the_trigger_arms_the_cards_that_are_there_and_switching_it_off_ends_their_timers(world, at):
    old = clock.now() - timedelta(days=90)
    with clock.at(old):
        deals = [world.deal(title=f"Deal {number}") for number in range(120)]
        closed = world.deal(stage="won")
    trigger = world.trigger("talk", "no_activity", {"amount": "100", "unit": "days"})
    at(clock.now())
    assert timers().count() == 120
    assert not timers(item=closed).exists()
    trigger.is_enabled = False
    trigger.save()
    at(clock.now())
    assert not timers().exists()
    trigger.is_enabled, trigger.settings = True, {"amount": "30", "unit": "days"}
    trigger.save()
    at(clock.now())
    assert {stage_of(deal) for deal in deals} == {world.stages["talk"]}, "long forgotten ones are what it is for"


def test_a_closed_or_deleted_card_is_left_alone_and_a_restored_one_counts_anew(world, at):
    world.trigger("pay", "no_activity", IDLE)
    won, gone = world.deal(), world.deal()
    born = won.created_at
    world.move(won, "won")
    gone.delete_softly(by=world.bob)
    at(born + timedelta(days=2))
    assert not Event.objects.filter(kind="item.idle").exists()
    with clock.at(born + timedelta(days=3)):
        Item.objects.get(pk=gone.pk).restore(by=world.bob)
    at(born + timedelta(days=3, hours=4))
    assert stage_of(gone) == world.stages["pay"]


def test_working_hours_count_by_the_calendar(world, at):
    friday = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)  # 16:00 in Warsaw, the office closes at 17:00
    world.trigger("talk", "no_activity", {"amount": "2", "unit": "working_hours"})
    with clock.at(friday):
        deal = world.deal()
    assert timers().get(item=deal).due_at == datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def test_a_card_with_ten_thousand_events_is_armed_as_cheaply_as_a_fresh_one(world):
    def queries(deal):
        with CaptureQueriesContext(connection) as found:
            record("comment.added", item=deal, actor=world.bob, payload={"text": "x"})
        return len(found)

    fresh, busy = world.deal(), world.deal()
    Event.objects.bulk_create(Event(kind="comment.added", item=busy) for _ in range(10_000))
    before = queries(fresh)
    for stage in ("talk", "pay", "won"):
        world.trigger(stage, "no_activity", IDLE)
    queries(fresh)  # the pipeline is compiled anew
    assert queries(busy) == queries(fresh)
    # Beside the pipeline's version: one statement for the timers of all three triggers.
    assert queries(busy) <= before + 2


def test_a_timer_that_a_worker_holds_goes_on_with_its_new_time(world, at):
    world.trigger("talk", "no_activity", IDLE)
    deal = world.deal()
    with clock.at(deal.created_at + timedelta(hours=3)):
        assert Job.objects.filter(kind="timer").claim(1)
        record("comment.added", item=deal, actor=world.bob)
    at(deal.created_at + timedelta(hours=5))
    assert stage_of(deal) == world.stages["new"]
    at(deal.created_at + timedelta(hours=6))
    assert stage_of(deal) == world.stages["talk"]


def test_an_import_hears_no_triggers_but_its_cards_count(world, at):
    world.trigger("talk", "no_activity", IDLE)
    draft = Item.draft(machine_of(world.pipeline.pk), "Imported")
    Item.create_many(world.pipeline, [draft], by=world.alice, cause=Cause("import"))
    assert timers(item=draft).count() == 1
    at(clock.now() + timedelta(hours=4))
    assert stage_of(draft) == world.stages["talk"]


# ---------------------------------------------------------------------- date_reached


def test_a_date_moves_the_card_when_it_comes_and_anew_when_it_is_changed(world, at):
    world.trigger("talk", "date_reached", {"date_field": "due_date", "amount": "1", "unit": "days", "side": "before"})
    deal = world.deal()
    assert not timers().exists()
    deal.change({"due_date": date(2027, 3, 1)}, by=world.bob)
    due = datetime(2027, 2, 27, 23, 0, tzinfo=UTC)  # midnight in Warsaw, a day before
    assert timers().get().due_at == due
    deal.change({"due_date": date(2027, 3, 2)}, by=world.bob)
    at(due + timedelta(hours=1))
    assert stage_of(deal) == world.stages["new"]
    at(due + timedelta(days=1))
    assert stage_of(deal) == world.stages["talk"]
    world.move(deal, "new")
    at(due + timedelta(days=2))
    assert stage_of(deal) == world.stages["new"], "a day comes once"


def test_an_emptied_date_never_comes(world, at):
    world.trigger("talk", "date_reached", {"date_field": "due_date"})
    deal = world.deal(due_date=date(2027, 3, 1))
    deal.change({"due_date": None}, by=world.bob)
    assert not timers().exists()
    at(datetime(2027, 4, 1, tzinfo=UTC))
    assert stage_of(deal) == world.stages["new"]


def test_an_own_date_counts_from_its_time_of_day(world):
    CustomField.objects.create(target="item", key="visit", label="Visit", type="date")
    world.trigger("talk", "date_reached", {"date_field": "custom.visit", "at": "09:30"})
    deal = world.deal()
    deal.change({"custom.visit": "2027-07-01"}, by=world.bob)
    assert timers().get().due_at == datetime(2027, 7, 1, 7, 30, tzinfo=UTC)


def test_days_long_past_when_the_trigger_is_saved_are_not_told(world, at):
    today = clock.now().date()
    old, recent = world.deal(due_date=today - timedelta(days=20)), world.deal(due_date=today - timedelta(days=5))
    world.trigger("talk", "date_reached", {"date_field": "due_date"})
    at(clock.now())
    assert stage_of(recent) == world.stages["talk"]
    assert stage_of(old) == world.stages["new"]


def test_a_calendar_that_never_opens_stops_no_neighbour(world, at):
    world.calendar.hours.all().delete()
    world.trigger("pay", "no_activity", {"amount": "1", "unit": "working_hours"})
    world.trigger("talk", "no_activity", IDLE)
    deal = world.deal()
    at(deal.created_at + timedelta(hours=3))
    assert stage_of(deal) == world.stages["talk"]


# ---------------------------------------------------------------------- third parties


def test_a_third_party_has_timers_by_the_same_door(world, at):
    kinds.register(kinds.EventKind("party.time", "Party"))

    class PartyTime(TriggerType):
        key = "party_time"
        label = "Party"
        events = ("party.time",)
        arms = ("party.announced",)

        def due_for(self, subject, settings, event=None):
            return subject.created_at + timedelta(days=1)

        def tell(self, subject, settings, due_at):
            record("party.time", item=subject, cause=Cause("system"), key=f"party:{subject.pk}")

    with trigger_types.temporarily(PartyTime):
        deal = world.deal()
        world.trigger("talk", "party_time")
        at(deal.created_at + timedelta(days=1))
        assert stage_of(deal) == world.stages["talk"]
    with pytest.raises(TypeError, match="arms and tell"):
        trigger_types.register(type("Half", (TriggerType,), vars(PartyTime) | {"key": "half", "arms": ()}))


# ---------------------------------------------------------------------- control


def test_control_tells_the_supervisor_once_when_nobody_cares_for_a_card(world, at, client):
    world.rule("talk", "control_time_in_stage", {"amount": "2", "unit": "hours", "without": "activity"})
    deal = world.deal()
    world.move(deal, "talk")
    entered = Item.objects.get(pk=deal.pk).stage_entered_at
    at(entered)
    with clock.at(entered + timedelta(hours=1)):
        Task.add(item=deal, title="Call", assignee=world.bob, creator=world.bob)
    at(entered + timedelta(hours=2))
    assert not LateItem.objects.exists()
    at(entered + timedelta(hours=3))
    assert [row.user for row in LateItem.objects.all()] == [world.alice]
    assert world.alice.notifications.filter(item=deal).count() == 1
    assert Run.objects.get().status == "done"
    at(entered + timedelta(hours=30))
    assert world.alice.notifications.filter(item=deal).count() == 1
    client.force_login(world.alice)
    with clock.at(entered + timedelta(hours=31)):
        assert b"Too long in their stage" in client.get("/day/").content
        record("comment.added", item=deal, actor=world.bob, payload={"text": "rang"})
        assert b"Too long in their stage" not in client.get("/day/").content


def test_control_of_moves_does_not_ask_for_activity_and_ends_with_the_visit(world, at, client):
    settings = {"amount": "2", "unit": "hours", "without": "move", "to_users": [str(world.charlie.pk)]}
    world.rule("talk", "control_time_in_stage", settings)
    late, moved = world.deal(), world.deal()
    for deal in (late, moved):
        world.move(deal, "talk")
    entered = Item.objects.get(pk=late.pk).stage_entered_at
    at(entered)
    with clock.at(entered + timedelta(hours=1)):
        record("comment.added", item=late, actor=world.bob)
        world.move(moved, "pay")
    at(entered + timedelta(hours=2))
    assert [(row.item, row.user) for row in LateItem.objects.all()] == [(late, world.charlie)]
    assert Run.objects.get(item=moved).status == "cancelled"
    client.force_login(world.charlie)
    seen = b"Too long in their stage" in client.get("/day/").content
    assert seen is Item.objects.visible_to(world.charlie).filter(pk=late.pk).exists()


def test_what_is_planned_holds_control_off_until_then(world, at):
    settings = {"amount": "2", "unit": "hours", "without": "activity", "unless_planned": "on"}
    world.rule("talk", "control_time_in_stage", settings)
    deal = world.deal()
    world.move(deal, "talk")
    entered = Item.objects.get(pk=deal.pk).stage_entered_at
    Task.add(item=deal, title="Visit", assignee=world.bob, creator=world.bob, deadline=entered + timedelta(hours=9))
    at(entered)
    at(entered + timedelta(hours=8))
    assert not LateItem.objects.exists()
    at(entered + timedelta(hours=9))
    assert LateItem.objects.count() == 1


@pytest.mark.parametrize("settings", [{"amount": "0"}, {"amount": "x"}, {"unit": "years"}, {"without": "love"}])
def test_control_and_no_activity_refuse_nonsense(world, settings):
    scope = scope_of(world.stages["talk"])
    sound = {"amount": "2", "unit": "hours", "without": "move"}
    assert not bind(actions.get("control_time_in_stage").Settings, sound | settings, scope).is_valid()
    if "without" not in settings:
        assert not bind(trigger_types.get("no_activity").Settings, sound | settings, scope).is_valid()
