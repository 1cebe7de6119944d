"""What a cold reading and a new user found: each stays mended."""

from datetime import timedelta

import pytest

from automation.base import actions, bind
from automation.engine import control
from automation.models import Rule, RuleSet, Run, TriggerFiring, scope_of
from automation.publishing import doors
from automation.variables import Variable, VariableValue
from crm.ground import clock
from crm.ground.refused import Refused
from crm.items.models.gate import MoveOptions
from crm.models import Company, Contact, Event, Invite, Item, Job, Message, Pipeline, Post, Stage, Task
from crm.pipelines.rights import Scope
from tests.automation.test_rule_sets import call, entered, made, of_set
from tests.crm.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
__all__ = ["made"]


def test_run_again_of_a_sets_rule_keeps_its_caller(world, made, drain):
    world.role(world.charlie, view=Scope.ALL, edit=Scope.OWN, delete=Scope.NONE, add=Scope.NONE, move=Scope.NONE)
    inner = of_set(world, made, "delete_item", {}, publisher=world.alice)
    call(world, made, publisher=world.charlie)
    deal = entered(world, drain, owner=world.charlie)
    again = control.run_again(Run.objects.get(rule=inner), world.alice)
    drain()
    assert again.caller is not None
    assert Item.objects.get(pk=deal.pk).deleted_at is None


def test_cancelling_a_call_ends_all_below_it_and_its_mails(world, made, drain):
    deeper = RuleSet.objects.create(pipeline=world.pipeline, name="Deeper")
    of_set(world, made, "run_rule_set", {"rule_set": str(deeper.pk)})
    of_set(world, deeper, timing={"when": "delay", "amount": 1, "unit": "hours"})
    caller = call(world, made)
    deal = entered(world, drain)
    control.cancel(Run.objects.get(rule=caller), world.bob)
    assert set(Run.objects.values_list("status", flat=True)) == {"cancelled"}
    with clock.at(clock.now() + timedelta(hours=2)):
        drain()
    assert world.comments(deal) == []


def test_a_call_lasts_as_long_as_its_set(world, made, drain):
    of_set(world, made, "wait", {"amount": "100", "unit": "days"})
    caller = call(world, made)
    entered(world, drain)
    with clock.at(clock.now() + timedelta(days=95)):
        drain()
        assert Run.objects.get(rule=caller).status == "waiting"
    with clock.at(clock.now() + timedelta(days=100)):
        drain()
    assert Run.objects.get(rule=caller).status == "done"


def test_triggers_alone_that_go_in_a_circle_are_stopped(world, drain):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Other", currency="PLN")
    x, y = (Stage.objects.create(pipeline=other, name=name, kind="open", order=n) for n, name in enumerate("XY"))
    world.stages |= {"x": x, "y": y}
    p, q = world.stages["talk"], world.stages["pay"]
    for place, after in (("talk", x), ("y", p), ("pay", y), ("x", q)):
        world.trigger(place, "linked_item_stage", {"linked_stage": str(after.pk)}, allow_moving_back=True)
    deal = world.deal()
    linked = Item.create(other, "Linked", by=world.alice, parent=deal, stage=y)
    linked.move_to(x, MoveOptions(by=world.alice))
    drain()
    assert TriggerFiring.objects.filter(result="refused").exists()
    assert not Job.objects.filter(kind="match", status="planned").exists()


def test_the_next_planned_activity_arms_and_moves_with_its_task(world, drain):
    world.trigger("talk", "date_reached", {"date_field": "next_activity_at"})
    deal = world.deal()
    task = Task.add(
        item=deal, title="x", deadline=clock.now() + timedelta(hours=5), assignee=world.bob, creator=world.bob
    )
    assert Job.objects.get(kind="timer", status="planned").due_at == clock.now() + timedelta(hours=5)
    task.change({"deadline": clock.now() + timedelta(hours=2)}, by=world.bob)
    with clock.at(clock.now() + timedelta(hours=2)):
        drain()
    assert Item.objects.get(pk=deal.pk).stage == world.stages["talk"]


def test_a_card_that_a_rule_brought_is_watched(world, drain):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Other", currency="PLN")
    x, y = (Stage.objects.create(pipeline=other, name=name, kind="open", order=n) for n, name in enumerate("XY"))
    world.stages["y"] = y
    world.trigger("y", "no_activity", {"amount": "3", "unit": "hours"})
    world.rule("talk", "change_pipeline", {"stage": str(x.pk)})
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    with clock.at(clock.now() + timedelta(hours=4)):
        drain()
    assert Item.objects.get(pk=deal.pk).stage == y


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"into": "contact", "name": "A B", "email": "call me"}, "valid"),
        ({"into": "contact", "name": "{{ item.custom.nothing }}"}, ""),
        ({"into": "company", "name": "{{ item.source }}"}, "no name"),
    ],
)
def test_converting_makes_no_junk(world, drain, settings, why):
    world.rule("talk", "convert_item", settings)
    world.move(world.deal(contact=None), "talk")
    drain()
    run = Run.objects.get()
    assert run.status == "failed"
    assert why in run.error
    assert Contact.objects.count() == 1
    assert not Company.objects.exists()


def test_numbers_are_kept_as_numbers_whatever_language_typed_them(world, client):
    made = Variable.objects.create(key="rate", label="Rate", type="number")
    alice = Caller(client, world.alice)
    stage = world.stages["talk"].pk
    settings = {"left": "1 500,50", "sign": "add", "right": "{{ item.amount }}", "places": "2"}
    rule = alice.post("/rules", {"stage": stage, "action": "calculate", "settings": settings}).data
    assert (rule["settings"]["left"], rule["settings"]["right"]) == ("1500.50", "item.amount")
    settings = {"variable": str(made.pk), "value": "1 500,50"}
    rule = alice.post("/rules", {"stage": stage, "action": "set_variable", "settings": settings}).data
    assert rule["settings"]["value"] == "1500.50"


def test_a_literal_means_the_same_for_customers_of_every_language(world, drain):
    made = Variable.objects.create(key="rate", label="Rate", type="number")
    rule = world.rule("talk", "set_variable", {"variable": str(made.pk), "value": "1.125"})
    assert doors.judge(rule, world.alice, {"settings"}) == {}
    world.move(world.deal(), "talk")
    drain()
    assert VariableValue.objects.get().value == "1.125"


def test_a_customer_whose_owner_left_is_changed_all_the_same(world, drain):
    world.contact.owner = world.charlie
    world.contact.save()
    world.charlie.is_active = False
    world.charlie.save()
    world.rule("talk", "change_contact", {"field_1": "address_as", "value_1": "Ms H"})
    world.move(world.deal(), "talk")
    drain()
    assert Run.objects.get().status == "done", Run.objects.get().error
    world.contact.refresh_from_db()
    assert (world.contact.address_as, world.contact.owner) == ("Ms H", world.charlie)


@pytest.mark.parametrize("place", ["/feed/", "card"])
def test_an_id_beyond_all_keys_is_nobody(world, client, place):
    client.force_login(world.alice)
    huge = "9" * 40
    if place == "/feed/":
        answer = client.post("/feed/", {"text": "x", "people": [huge], "departments": [huge]})
    else:
        data = {"kind": "meeting", "title": "x", "participants": [huge]}
        answer = client.post(f"/items/{world.deal().pk}/write/task/", data)
    assert answer.status_code == 422


def test_a_rule_does_not_make_cards_where_it_stands(world):
    for action in ("create_item", "copy_item"):
        raw = {"stage": str(world.stages["talk"].pk), "title": "x"}
        form = bind(actions.get(action).Settings, raw, scope_of(world.stages["talk"]))
        assert "stage" in form.errors


# ---------------------------------------------------------------------- meetings and the feed


@pytest.fixture
def meeting(world, client):
    deal = world.deal()
    client.force_login(world.bob)
    data = {
        "kind": "meeting",
        "title": "Fitting",
        "deadline": "2026-11-25T10:00",
        "invites": "on",
        "description": "haggles",
    }
    assert (
        client.post(f"/items/{deal.pk}/write/task/", data | {"participants": [str(world.alice.pk)]}).status_code == 302
    )
    return Task.objects.get()


def methods():
    return [message.attachments.get().kind.rpartition("=")[2] for message in Message.objects.order_by("pk")]


def test_an_invitation_tells_customers_no_word_to_colleagues_and_those_who_take_part_hear(world, meeting):
    message = Message.objects.get()
    with message.attachments.get().file.open("rb") as content:
        assert b"haggles" not in content.read()
    assert "haggles" not in message.text
    assert world.alice.notifications.filter(item=meeting.item).exists()


def test_a_meeting_called_off_reopened_or_binned_is_told_and_none_is_without_a_time(world, meeting):
    with pytest.raises(Refused, match="When does it take place"):
        meeting.change({"deadline": None}, by=world.bob)
    meeting.set_status("cancelled", by=world.bob)
    meeting.set_status("new", by=world.bob)
    meeting.item.delete_softly(by=world.bob)
    assert methods() == ["REQUEST", "CANCEL", "REQUEST", "CANCEL"]
    assert Invite.objects.get().sequence == 3


def test_nobody_is_invited_to_the_past(world, client):
    client.force_login(world.bob)
    data = {"kind": "meeting", "title": "Fitting", "deadline": "2026-11-01T10:00", "invites": "on"}
    refused = client.post(f"/items/{world.deal().pk}/write/task/", data)
    assert refused.status_code == 422
    assert not Task.objects.exists()


def test_who_may_only_look_changes_no_meeting_but_sees_it(world, meeting, client):
    world.role(world.charlie, view=Scope.ALL, edit=Scope.NONE)
    Task.objects.filter(pk=meeting.pk).update(assignee=world.charlie)
    client.force_login(world.charlie)
    assert client.get(f"/tasks/{meeting.pk}/").status_code == 200
    assert client.post(f"/tasks/{meeting.pk}/", {"title": "Pay to me", "minutes": "30"}).status_code == 403
    changed = Caller(client, world.charlie)("PATCH", f"/tasks/{meeting.pk}", {"title": "Pay to me"})
    assert changed.status_code == 403
    assert methods() == ["REQUEST"]


def test_a_refused_answer_stays_an_answer(world, client):
    client.force_login(world.alice)
    post = Post.write(world.alice, "Secret", people=[world.bob])
    answer = client.post("/feed/", {"text": "", "parent": str(post.pk)}).content.decode()
    assert answer.count("field-error") == 1
    long = client.post("/feed/", {"text": "PRIVATE " * 2000, "parent": str(post.pk)}).content.decode()
    assert long.index("PRIVATE") > long.index(f"post-{post.pk}")


def test_the_page_of_a_set_lists_its_rules(world, made, client):
    rule = of_set(world, made, name="Greets")
    client.force_login(world.alice)
    page = client.get(f"/admin/automation/ruleset/{made.pk}/change/").content.decode()
    assert "Greets" in page
    assert f"/rule/{rule.pk}/change/" in page
    assert Rule.objects.get().pipeline == world.pipeline
    assert not Event.objects.exists()
