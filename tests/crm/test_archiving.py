"""A pipeline that is archived, used again, or removed into another one."""

from __future__ import annotations

import pytest

from automation.models import Rule, Run, Trigger
from crm.items import archiving
from crm.items.models.gate import MoveOptions
from crm.models import Cause, Channel, Event, Item, ItemType, Message, Notification, Pipeline, Refused, Stage, WebForm
from crm.pipelines.machine import machine_of
from tests.crm.test_api import Caller


@pytest.fixture
def alice(world, client):
    client.force_login(world.alice)
    return client


@pytest.fixture
def other(world):
    pipeline = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Exports", currency="EUR")
    for order, (name, kind) in enumerate((("First", "open"), ("Talk", "open"), ("Won", "won"), ("Lost", "lost"))):
        Stage.objects.create(pipeline=pipeline, name=name, kind=kind, order=order)
    return pipeline


def url(pipeline):
    return f"/setup/pipelines/{pipeline.pk}/end/"


def form_of(pipeline, **more):
    return WebForm.objects.create(
        name="Order", slug="order", pipeline=pipeline, heading="Order", thanks="Thanks", **more
    )


def test_an_archived_pipeline_takes_nothing_in_and_moves_nothing(world, alice):
    card, form = world.deal("Table", "talk"), form_of(world.pipeline)
    assert alice.post(url(world.pipeline), {"way": "archive"}).status_code == 302
    for by, cause in ((world.bob, Cause()), (world.alice, Cause()), (None, Cause("trigger"))):
        with pytest.raises(Refused, match="archived"):
            card.move_to(world.stages["papers"], MoveOptions(by=by, cause=cause))
        with pytest.raises(Refused, match="archived"):
            Item.create(world.pipeline, "Chair", by=by, cause=cause)
    answer = alice.get(form.get_absolute_url())
    assert answer.status_code == 410
    page = alice.get(f"/board/{world.pipeline.pk}/").content.decode()
    assert "This pipeline is archived" in page
    assert "data-new " not in page
    assert "Table" in page
    menu = page.split("<main")[0]
    assert f'href="/board/{world.pipeline.pk}/"' not in menu


def test_what_its_rules_have_planned_is_cancelled_and_says_why(world, alice, drain):
    world.rule("talk", "send_sms", {"text": "Hello"}, timing={"when": "delay", "amount": 2, "unit": "days"})
    world.deal("Table", "talk")
    drain()
    alice.post(url(world.pipeline), {"way": "archive"})
    drain()
    run = Run.objects.get()
    assert (run.status, run.error) == ("cancelled", "the pipeline was archived")


def test_a_pipeline_is_taken_into_use_again(world, alice, drain):
    card = world.deal("Table", "talk")
    archiving.archive(world.pipeline)
    assert alice.post(url(world.pipeline), {"way": "restore"}).status_code == 302
    card.move_to(world.stages["papers"], MoveOptions(by=world.bob))
    assert Item.create(world.pipeline, "Chair", by=world.bob).stage == world.stages["new"]


def test_two_who_archive_at_once_are_told(world):
    archiving.archive(world.pipeline)
    with pytest.raises(archiving.CannotArchive, match="meanwhile"):
        archiving.archive(world.pipeline)


def test_the_wizard_lists_what_uses_the_pipeline_and_guesses_the_stages(world, alice, other):
    world.deal("One", "talk")
    world.deal("Two", "new").delete_softly()
    world.rule("talk")
    form_of(world.pipeline, stage=world.stages["talk"])
    Channel.objects.filter(pk=world.email.pk).update(strangers=world.pipeline)
    found = {use.label: use.count for use in archiving.uses_of(world.pipeline)}
    assert (found["web forms"], found["rules"], found["cards in the recycle bin"]) == (1, 1, 1)
    assert found["mailboxes whose strangers become cards here"] == 1
    assert "web forms whose cards start here" not in found
    pairs = {old.name: new.name for old, new in archiving.likely_stages(world.pipeline, other).items()}
    assert (pairs["Talk"], pairs["Won"], pairs["Lost"]) == ("Talk", "Won", "Lost")
    assert pairs["New"] == "First"
    page = alice.get(url(world.pipeline) + f"?into={other.pk}").content.decode()
    assert page.count('<select class="form-select" name="stage-') == len(world.stages)


def test_a_removed_pipeline_hands_everything_over_and_sends_nothing(world, alice, other, drain):
    cards = [world.deal(f"Card {n}", "talk") for n in range(3)]
    gone = world.deal("Binned", "new")
    gone.delete_softly(by=world.alice)
    talk = Stage.objects.get(pipeline=other, name="Talk")
    world.rule("talk", key="greet")
    world.trigger("talk")
    form = form_of(world.pipeline, stage=world.stages["talk"])
    Channel.objects.filter(pk=world.email.pk).update(strangers=world.pipeline)
    drain()
    before = Message.objects.count()
    pairs = archiving.likely_stages(world.pipeline, other)
    sent = {f"stage-{old.pk}": new.pk for old, new in pairs.items()}
    assert alice.post(url(world.pipeline), {"way": "remove", "into": other.pk} | sent).status_code == 302
    drain()
    assert set(Item.objects.filter(pk__in=[card.pk for card in cards]).values_list("stage", flat=True)) == {talk.pk}
    assert Message.objects.count() == before
    # Switched off: they would meet other customers.
    assert [
        (row.stage, row.pipeline, row.is_enabled)
        for row in (Rule.objects.get(retired=False), Trigger.objects.get(retired=False))
    ] == [(talk, other, False)] * 2
    form.refresh_from_db()
    assert form.pipeline == other
    assert Channel.objects.get(pk=world.email.pk).strangers == other
    assert Notification.objects.filter(user=world.alice, text__contains="is removed").exists()
    world.pipeline.refresh_from_db()
    assert world.pipeline.state == "removed"
    assert alice.get(url(world.pipeline)).status_code == 404
    # Its past stays, and what lay in the bin comes back into the successor.
    assert Event.objects.filter(item=cards[0], kind="stage.entered").exists()
    Item.objects.get(pk=gone.pk).restore(by=world.alice)
    assert Item.objects.get(pk=gone.pk).stage.pipeline == other


def test_a_pipeline_that_never_had_a_card_is_gone_whole(world, alice, other, drain):
    empty = Pipeline.objects.create(item_type=other.item_type, name="Never used", currency="EUR")
    stage = Stage.objects.create(pipeline=empty, name="New")
    archiving.remove(empty, other, {stage.pk: machine_of(other.pk).first_open().pk}, by=world.alice)
    drain()
    assert not Pipeline.objects.filter(pk=empty.pk).exists()


def test_each_stage_needs_a_place_and_the_target_is_of_its_type(world, alice, other):
    first = machine_of(other.pk).first_open()
    with pytest.raises(archiving.CannotArchive, match="stage"):
        archiving.remove(world.pipeline, other, {world.stages["new"].pk: first.pk}, by=world.alice)
    lead = ItemType.objects.create(key="other", name="Other", plural="Others")
    foreign = Pipeline.objects.create(item_type=lead, name="Foreign", currency="EUR")
    with pytest.raises(archiving.CannotArchive, match="same type"):
        archiving.remove(world.pipeline, foreign, {}, by=world.alice)
    assert alice.post(url(world.pipeline), {"way": "remove"}).status_code == 422
    assert Pipeline.objects.get(pk=world.pipeline.pk).state == ""


@pytest.mark.parametrize("name", ["bob", "charlie"])
def test_only_administrators_end_a_pipeline(world, client, name):
    client.force_login(getattr(world, name))
    assert client.post(url(world.pipeline), {"way": "archive"}).status_code in (403, 404)
    assert Pipeline.objects.get(pk=world.pipeline.pk).state == ""


def test_what_comes_in_while_a_pipeline_goes_holds_it_up_and_a_target_of_it_stays_in_use(world, alice, other, drain):
    gone = world.deal("Binned")
    gone.delete_softly(by=world.alice)
    pairs = archiving.likely_stages(world.pipeline, other)
    archiving.remove(world.pipeline, other, {old.pk: new.pk for old, new in pairs.items()}, by=world.alice)
    with pytest.raises(archiving.CannotArchive, match="on their way"):
        archiving.archive(other)
    with pytest.raises(archiving.CannotArchive):
        archiving.restore(world.pipeline)
    assert alice.get(url(world.pipeline)).status_code == 404
    Item.objects.get(pk=gone.pk).restore(by=world.alice)
    drain()
    card = Item.objects.get(pk=gone.pk)
    assert (card.pipeline, card.stage.pipeline) == (other, other)
    archiving.archive(other)


def test_a_removal_whose_successor_is_gone_can_be_taken_up_again(world, other, drain):
    world.deal("Table")
    pairs = archiving.likely_stages(world.pipeline, other)
    archiving.remove(world.pipeline, other, {old.pk: new.pk for old, new in pairs.items()}, by=world.alice)
    Stage.objects.filter(pipeline=other).update(retired=True)
    drain()
    assert Notification.objects.filter(user=world.alice, text__contains="pipeline.not_removed").exists()
    archiving.restore(Pipeline.objects.get(pk=world.pipeline.pk))


def test_a_form_of_an_archived_pipeline_is_closed_to_programs_too(world, client):
    form = form_of(world.pipeline)
    archiving.archive(world.pipeline)
    answer = Caller(client, world.bob).post("/submissions", {"form": form.pk, "answers": {}})
    assert (answer.status_code, list(answer.data["error"]["fields"])) == (422, ["form"])
