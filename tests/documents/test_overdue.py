"""Invoices that are late: triggers on the deal's pipeline hear of it at the midnight that they ask for, once."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.ground import clock
from crm.items.models.gate import MoveOptions
from crm.models import Event, Item, Job, Pipeline, Stage
from documents import overdue
from documents.models.invoicing import today
from tests.documents.test_invoices import book, invoice_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def sent(world, papers):
    invoice, _document = invoice_of(world, papers)
    invoice = Item.objects.get(pk=invoice.pk)
    invoice.move_to(papers.flow.sent, MoveOptions(by=world.bob))
    return Item.objects.get(pk=invoice.pk)


def stage_of(item):
    return Item.objects.get(pk=item.pk).stage


def told(item):
    return [event.data("days") for event in Event.objects.filter(item=item, kind="invoice.overdue").order_by("pk")]


def midnight_after(invoice, days):
    return datetime.combine(invoice.due_date + timedelta(days=days), time(0), ZoneInfo("Europe/Warsaw"))


def test_a_trigger_on_the_deals_pipeline_hears_at_midnight_without_the_hourly_round(world, papers, sent, drain):
    world.trigger("pay", "invoice_overdue", {"days": "2"})
    drain()
    due = midnight_after(sent, 2)
    with clock.at(due - timedelta(seconds=1)):
        drain()
        assert stage_of(papers.deal) == world.stages["new"]
    with clock.at(due):
        drain()
    assert stage_of(papers.deal) == world.stages["pay"]
    assert stage_of(sent) == papers.flow.overdue, "whoever hears of it finds it overdue"
    with clock.at(due + timedelta(hours=1)):
        overdue.perform(None)
        drain()
    assert sorted(told(papers.deal)) == sorted(told(sent)) == [1, 2]


@pytest.mark.parametrize("end", ["paid", "void", "deleted"])
def test_what_is_paid_voided_or_deleted_is_not_told(world, papers, sent, drain, end):
    world.trigger("pay", "invoice_overdue", {"days": "2"})
    drain()
    timer = Job.objects.filter(kind="timer", item=sent)
    assert timer.get().status == "planned"
    if end == "paid":
        book(sent, "1339.08", world)
    elif end == "void":
        Item.objects.get(pk=sent.pk).move_to(papers.flow.void, MoveOptions(by=world.alice, override=True))
    else:
        Item.objects.filter(pk=sent.pk).update(deleted_at=clock.now())
    drain()
    if end != "deleted":
        assert timer.get().status == "cancelled"
    with clock.at(midnight_after(sent, 3)):
        drain()
    assert told(papers.deal) == []


def test_another_last_day_counts_anew(world, papers, sent, drain):
    world.trigger("pay", "invoice_overdue", {"days": "1"})
    drain()
    sent.change({"due_date": sent.due_date + timedelta(days=10)}, by=world.bob)
    with clock.at(midnight_after(sent, -5)):
        drain()
    assert told(papers.deal) == []
    with clock.at(midnight_after(Item.objects.get(pk=sent.pk), 1)):
        drain()
    assert told(papers.deal) == [1]


@pytest.mark.parametrize(("passed", "heard"), [(14, True), (16, False)])
def test_saving_a_trigger_tells_only_of_what_passed_within_two_weeks(world, papers, sent, drain, passed, heard):
    with clock.at(clock.now() + timedelta(days=1)):
        sent.change({"due_date": today() - timedelta(days=passed)}, by=world.bob)
        world.trigger("pay", "invoice_overdue", {"days": "1"})
        drain()
    assert (stage_of(papers.deal) == world.stages["pay"]) is heard


def test_the_upgrade_arms_what_waits_and_tells_nothing_twice(world, papers, sent, drain):
    trigger = world.trigger("pay", "invoice_overdue", {"days": "1"})
    with clock.at(midnight_after(sent, 4)):
        # As the version before told it: by the hourly round, with the same key.
        overdue.perform(None)
        Job.objects.filter(kind="timer").delete()
        Job.objects.create(kind="arm_timers", key="arm:upgrade", due_at=clock.now(), payload={"trigger": trigger.pk})
        drain()
        drain()
    assert told(papers.deal) == [1]


def test_a_deal_that_comes_from_another_pipeline_brings_its_invoices(world, papers, sent, drain):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Big ones", currency="PLN")
    first, second = (
        Stage.objects.create(pipeline=other, name=name, kind="open", order=order)
        for order, name in enumerate(("A", "Dunning"))
    )
    world.stages["dunning"] = second
    world.trigger("dunning", "invoice_overdue", {"days": "1"})
    drain()
    assert not Job.objects.filter(kind="timer").exists()
    Item.objects.get(pk=papers.deal.pk).transfer(first, by=world.alice)
    with clock.at(midnight_after(sent, 1)):
        drain()
    assert stage_of(papers.deal) == second
