"""E31 to E40: triggers, identity, rights."""

import pytest

from automation.engine import match
from automation.models import Trigger, TriggerFiring
from crm.events.record import record
from crm.models import (
    Cause,
    Event,
    Item,
    Job,
    Notification,
    StageTransition,
    StageVisit,
    Task,
    WebForm,
)


def knock(item=None, contact=None, **more):
    return record("guest.knocked", item=item, contact=contact, payload=more.pop("payload", {}), **more)


def results(event):
    return {f.trigger.name: f.result for f in TriggerFiring.objects.filter(event=event).select_related("trigger")}


def stage_of(item):
    return Item.objects.get(pk=item.pk).stage.name


def test_E31_a_matching_event_moves_the_item_and_starts_the_stages_rules(world, now, drain):
    world.trigger("papers", settings={"times": "2"})
    world.rule("papers")
    item = world.deal()
    knock(item, payload={"times": 1})
    drain()
    assert stage_of(item) == "New"
    knock(item, payload={"times": 2})
    drain()
    assert stage_of(item) == "Papers"
    assert world.comments(item) == ["hello"]


def test_E32_change_stage_as_names_who_is_shown(world, now, drain):
    world.trigger("talk", change_as=world.alice)
    world.trigger("papers", settings={"times": "3"})
    item = world.deal()
    knock(item)
    drain()
    visit = StageVisit.objects.filter(item=item).latest("pk")
    assert visit.actor == world.alice
    knock(item, payload={"times": 3})
    drain()
    assert StageVisit.objects.filter(item=item).latest("pk").actor == world.bob  # the item's owner by default


def test_E32_a_trigger_that_is_off_or_whose_condition_is_false_does_nothing(world, now, drain):
    world.trigger("talk", is_enabled=False)
    world.trigger("papers", condition={"all": [{"field": "item.amount", "op": "at_least", "value": 10}]})
    item = world.deal(amount=5)
    event = knock(item)
    drain()
    assert stage_of(item) == "New"
    assert results(event) == {}


def test_E33_without_allow_moving_back_it_never_moves_back(world, now, drain):
    world.trigger("talk", name="back")
    item = world.deal(stage="pay")
    event = knock(item)
    drain()
    assert stage_of(item) == "Pay"
    assert results(event) == {"back": "refused"}
    assert "back" in TriggerFiring.objects.get(event=event).reason


@pytest.mark.parametrize("closed", ["won", "lost"])
def test_E33_nor_out_of_won_or_lost(world, now, drain, closed):
    world.trigger("talk", name="back")
    item = world.deal(stage=closed)
    event = knock(item)
    drain()
    assert results(event) == {"back": "refused"}


def test_E33_with_allow_moving_back_it_does(world, now, drain):
    world.trigger("talk", allow_moving_back=True)
    item = world.deal(stage="won")
    knock(item)
    drain()
    assert stage_of(item) == "Talk"


def test_E33_the_pipelines_switches_bind_people_not_triggers(world, now, drain):
    world.pipeline.may_skip = world.pipeline.may_go_back = False
    world.pipeline.save()
    world.trigger("pay")
    item = world.deal()
    knock(item)
    drain()
    assert stage_of(item) == "Pay"


def test_E34_an_item_already_there_is_not_moved(world, now, drain):
    world.trigger("talk", name="there")
    item = world.deal(stage="talk")
    event = knock(item)
    drain()
    assert results(event) == {"there": "there"}
    assert StageVisit.objects.filter(item=item).count() == 1


def test_E35_the_earliest_stage_that_leads_forward_wins(world, now, drain):
    world.trigger("pay", name="far")
    world.trigger("papers", name="near")
    world.trigger("papers", name="same stage, later order", order=99)
    world.trigger("new", name="behind")
    item = world.deal(stage="talk")
    event = knock(item)
    drain()
    assert stage_of(item) == "Papers"
    assert results(event) == {
        "near": "moved",
        "far": "another",
        "same stage, later order": "another",
        "behind": "refused",
    }


def test_E35_if_none_leads_forward_the_lowest_order_that_may_move_back_wins(world, now, drain):
    world.trigger("talk", name="second", order=2, allow_moving_back=True)
    world.trigger("new", name="first", order=1, allow_moving_back=True)
    item = world.deal(stage="pay")
    event = knock(item)
    drain()
    assert stage_of(item) == "New"
    assert results(event) == {"first": "moved", "second": "another"}


def test_E36_missing_fields_refuse_it_and_the_owner_is_told(world, now, drain):
    world.stages["papers"].needed_to_enter = ["amount"]
    world.stages["papers"].save()
    world.trigger("papers", name="papers")
    item = world.deal(amount=None)
    event = knock(item)
    drain()
    assert stage_of(item) == "New"
    assert results(event) == {"papers": "refused"}
    assert "amount" in Notification.objects.get(user=world.bob, kind="refused").text


def test_E36_a_forbidden_transition_refuses_it_unless_set_to_override(world, now, drain):
    StageTransition.objects.create(pipeline=world.pipeline, source=world.stages["new"], target=world.stages["talk"])
    trigger = world.trigger("papers", name="papers")
    item = world.deal()
    event = knock(item)
    drain()
    assert results(event) == {"papers": "refused"}
    trigger.override = True
    trigger.save()
    knock(item)
    drain()
    assert stage_of(item) == "Papers"


def test_E37_an_event_of_a_contact_concerns_the_newest_open_item(world, now, drain):
    world.trigger("talk")
    old, closed, newest = world.deal(), world.deal(stage="won"), world.deal()
    knock(contact=world.contact)
    drain()
    assert [stage_of(item) for item in (old, closed, newest)] == ["New", "Won", "Talk"]


def test_E37_or_all_open_items_where_the_trigger_says_so(world, now, drain):
    world.trigger("talk", concerns=Trigger.Concerns.ALL)
    old, closed, newest = world.deal(), world.deal(stage="won"), world.deal()
    knock(contact=world.contact)
    drain()
    assert [stage_of(item) for item in (old, closed, newest)] == ["Talk", "Won", "Talk"]


def test_E37_an_event_bound_to_an_item_concerns_only_it(world, now, drain):
    world.trigger("talk", concerns=Trigger.Concerns.ALL)
    one, other = world.deal(), world.deal()
    knock(one)
    drain()
    assert (stage_of(one), stage_of(other)) == ("Talk", "New")


def test_E38_the_same_external_event_has_one_effect(world, now, drain):
    world.trigger("talk")
    item = world.deal()
    assert knock(item, key="provider:1") is not None
    assert knock(item, key="provider:1") is None
    drain()
    world.move(item, "new")
    assert knock(item, key="provider:1") is None
    drain()
    assert stage_of(item) == "New"
    assert Event.objects.filter(kind="guest.knocked").count() == 1


def test_E38_matching_an_event_twice_moves_once(world, now, drain):
    world.trigger("talk")
    item = world.deal()
    event = knock(item)
    drain()
    world.move(item, "new")
    match.match_event(event.pk)
    assert stage_of(item) == "New"


def test_E38_events_of_one_item_are_matched_oldest_first_whoever_claims_them(world, now, drain):
    world.trigger("talk", settings={"times": "1"})
    world.trigger("papers", settings={"times": "2"})
    item = world.deal()
    first, second = (knock(item, payload={"times": n}) for n in (1, 2))
    later = Job.objects.get(key=f"match:{second.pk}")
    match.match(later)
    assert [v.stage.name for v in StageVisit.objects.filter(item=item).order_by("pk")] == ["New", "Talk", "Papers"]
    assert Job.objects.get(key=f"match:{first.pk}").status == "done"


def test_E39_automatic_changes_are_shown_as_automation_as_somebody(world, now, drain):
    world.trigger("talk")
    world.rule("talk")
    item = world.deal()
    knock(item)
    drain()
    entered = Event.objects.get(item=item, kind="stage.entered")
    assert entered.who() == "Automation (as Bob Seller)"
    comment = Event.objects.get(item=item, kind="comment.added")
    assert comment.who() == "Automation (as Alice Head)"
    assert Event.objects.get(item=item, kind="item.created").who() == "Bob Seller"


def test_E40_a_rule_runs_with_its_publishers_rights_never_more(world, now, drain):
    world.stages["pay"].entered_by.add(world.sales)
    rule = world.rule("talk", "change_stage", {"stage": str(world.stages["pay"].pk)}, publisher=world.charlie)
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert stage_of(item) == "Talk"
    assert world.run_of(rule).status == "failed"
    assert world.run_of(rule).error.code == "right.missing"


def test_E40_when_the_publisher_leaves_the_automation_owner_takes_over(world, now, drain):
    rule = world.rule("talk", publisher=world.bob)
    world.bob.is_active = False
    world.bob.save()
    item = world.deal(by=world.alice)
    world.pipeline.automation_owner = world.alice
    world.pipeline.save()
    world.move(item, "talk", by=world.alice)
    drain()
    assert world.run_of(rule).status == "done"
    assert "now acts with the rights of Alice" in Notification.objects.get(kind="rights").text


def test_E40_without_anybody_the_rule_is_held_and_the_administrators_are_told(world, now, drain):
    rule = world.rule("talk", publisher=world.bob)
    world.bob.is_active = False
    world.bob.save()
    item = world.deal(by=world.alice)
    world.move(item, "talk", by=world.alice)
    drain()
    assert world.run_of(rule).status == "held"
    assert Notification.objects.filter(user=world.alice, kind="rights").count() == 1


def test_a_trigger_type_with_a_bug_is_a_failed_firing_and_stops_nobody(world, now, drain):
    world.trigger("talk", name="buggy")
    item = world.deal()
    event = knock(item, payload={"explode": True})
    drain()
    assert results(event) == {"buggy": "failed"}
    assert Job.objects.get(key=f"match:{event.pk}").status == "done"


def test_the_task_status_trigger_watches_one_rules_tasks(world, now, drain):
    rule = world.rule("new", "create_task", {"title": "Pack"})
    world.trigger("pay", "task_status", {"status": "done", "rule": str(rule.pk)})
    item = world.deal()
    drain()
    by_hand = Task.add(item=item, title="Something else", assignee=world.bob)
    by_hand.set_status("done", by=world.bob)
    drain()
    assert stage_of(item) == "New"
    Task.objects.get(origin=f"rule:{rule.pk}").set_status("done", by=world.bob)
    drain()
    assert stage_of(item) == "Pay"


def test_the_field_changed_trigger_looks_at_from_and_to(world, now, drain):
    world.trigger("talk", "field_changed", {"fields_watched": ["source"], "new": "Fair"})
    item = world.deal()
    item.change({"source": "Web"}, by=world.bob)
    drain()
    assert stage_of(item) == "New"
    item.change({"source": "fair"}, by=world.bob)
    drain()
    assert stage_of(item) == "Talk"


def test_the_field_changed_trigger_ignores_the_items_own_rules(world, now, drain):
    world.trigger("talk", "field_changed", {"fields_watched": ["source"]})
    world.rule("new", "change_fields", {"field_1": "source", "value_1": "by a rule"})
    item = world.deal()
    drain()
    assert Item.objects.get(pk=item.pk).source == "by a rule"
    assert stage_of(item) == "New"


def test_form_triggers_tell_callback_forms_from_others(world, now, drain):
    form = WebForm.objects.create(name="Order", slug="o", pipeline=world.pipeline, heading="h", thanks="t")
    back = WebForm.objects.create(
        name="Back", slug="b", kind="callback", pipeline=world.pipeline, heading="h", thanks="t"
    )
    world.trigger("talk", "form_submitted", {})
    world.trigger("papers", "callback_requested", {"form": str(back.pk)})
    one, two = world.deal(), world.deal()
    record("callback.requested", item=one, payload={"form": back.pk}, cause=Cause("form"))
    record("form.submitted", item=two, payload={"form": form.pk}, cause=Cause("form"))
    drain()
    assert (stage_of(one), stage_of(two)) == ("Papers", "Talk")
