"""Rules and triggers that programs write: refused by field for what could not work, published as the administration does."""

import pytest

from automation.base import Action, Done, TriggerType, actions, trigger_types
from automation.models import Rule, Run, Trigger
from crm.models import CustomField
from tests.crm.test_api import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(world, client):
    return Caller(client, world.alice)


def test_a_program_places_a_rule_that_runs_and_changes_it(world, alice, drain):
    stage = world.stages["talk"]
    body = {
        "stage": stage.pk,
        "action": "add_comment",
        "settings": {"text": "Hello {{ contact.name }}"},
        "condition": {"all": [{"field": "item.amount", "op": "more_than", "value": "100"}]},
    }
    made = alice.post("/rules", body)
    assert made.status_code == 201, made.data
    assert (made.data["key"], made.data["is_enabled"], made.data["order"]) == ("add_comment", True, 1)
    rule = Rule.objects.get(pk=made.data["id"])
    assert rule.publisher == world.alice
    rich, poor = world.deal(amount=500), world.deal(amount=5)
    for deal in (rich, poor):
        world.move(deal, "talk")
    drain()
    assert world.comments(rich) == [f"Hello {world.contact.name}"]
    assert world.comments(poor) == []
    changed = alice("PATCH", f"/rules/{rule.pk}", {"settings": {"text": "Bye"}, "condition": {}})
    assert changed.status_code == 200, changed.data
    again = world.deal()
    world.move(again, "talk")
    drain()
    assert world.comments(again) == ["Bye"]


def test_switching_it_off_or_taking_it_away_ends_what_was_planned(world, alice, drain):
    body = {"stage": world.stages["talk"].pk, "action": "add_comment", "settings": {"text": "x"}}
    body["timing"] = {"when": "delay", "amount": 2, "unit": "days"}
    first, second = alice.post("/rules", body).data, alice.post("/rules", body).data
    assert (first["key"], second["key"]) == ("add_comment", "add_comment_2")
    world.move(world.deal(), "talk")
    assert Run.objects.filter(status="planned").count() == 2
    assert alice("PATCH", f"/rules/{first['id']}", {"is_enabled": False}).status_code == 200
    assert alice("DELETE", f"/rules/{second['id']}").status_code == 204
    drain()
    assert not Run.objects.filter(status="planned").exists()
    assert Rule.objects.get(pk=second["id"]).retired
    assert [row["id"] for row in alice.get("/rules").data["items"]] == [first["id"]]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"action": "nothing"}, "action"),
        ({"settings": {}}, "settings.text"),
        ({"settings": {"text": "{{ item.colour }}"}}, "settings.text"),
        ({"settings": {"text": "x", "colour": "red"}}, "settings.colour"),
        ({"timing": {"when": "delay"}}, "timing.amount"),
        ({"condition": {"field": "item.colour", "op": "equals", "value": "x"}}, "condition"),
        ({"condition": {"field": "item.amount", "op": "contains", "value": "x"}}, "condition"),
        ({"condition": {"field": "item.amount", "op": "more_than", "value": "much"}}, "condition"),
        ({"condition": {"field": "item.amount", "op": "between", "value": ["1"]}}, "condition"),
        ({"condition": {"field": "item.due_date", "op": "next_days", "value": "soon"}}, "condition"),
        ({"condition": {"field": "item.amount", "op": "flies", "value": "1"}}, "condition"),
        ({"condition": {"all": "everything"}}, "condition"),
        ({"condition": {"not": {"not": {"field": "x", "op": "equals"}}}}, "condition"),
        ({"stage": 999999}, "stage"),
        ({"key": "Not A Key"}, "key"),
    ],
)
def test_what_could_not_work_is_refused_by_its_field(world, alice, more, field):
    body = {"stage": world.stages["talk"].pk, "action": "add_comment", "settings": {"text": "x"}} | more
    answer = alice.post("/rules", body)
    assert answer.status_code == 422
    assert field in answer.data["error"]["fields"], answer.data
    assert not Rule.objects.exists()


def test_conditions_read_own_fields_by_their_types(world, alice):
    CustomField.objects.create(target="item", key="size", label="Size", type="number")
    body = {"stage": world.stages["talk"].pk, "action": "add_comment", "settings": {"text": "x"}}
    good = {"field": "item.custom.size", "op": "at_least", "value": "12.5"}
    assert alice.post("/rules", body | {"condition": good}).status_code == 201
    assert alice.post("/rules", body | {"condition": good | {"value": "big"}}).status_code == 422


def test_a_trigger_is_placed_changed_and_taken_away(world, alice):
    made = alice.post("/triggers", {"stage": world.stages["won"].pk, "type": "sms_received", "settings": {}})
    assert made.status_code == 201, made.data
    pk = made.data["id"]
    assert alice("PATCH", f"/triggers/{pk}", {"allow_moving_back": True}).status_code == 200
    assert Trigger.objects.get(pk=pk).allow_moving_back
    assert alice("DELETE", f"/triggers/{pk}").status_code == 204
    assert alice.get("/triggers").data["items"] == []


def test_only_who_sets_the_pipeline_up_writes_its_rules(world, client):
    rule = world.rule("talk")
    world.role(world.bob)
    body = {"stage": world.stages["talk"].pk, "action": "add_comment", "settings": {"text": "x"}}
    for person in (world.bob, world.charlie):
        caller = Caller(client, person)
        assert caller.post("/rules", body).status_code == 422
        assert caller("PATCH", f"/rules/{rule.pk}", {"is_enabled": False}).status_code == 404
        assert caller("DELETE", f"/rules/{rule.pk}").status_code == 404
    weak = Caller(client, world.alice, ["read", "write", "automation"])
    assert weak.post("/rules", body).status_code == 403
    rule.refresh_from_db()
    assert rule.is_enabled


# ---------------------------------------------------------------------- the registries


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"icon": "unicorn"}, "unknown icon"),
        ({"group": "magic"}, "unknown group"),
        ({"run": Action.run}, "has no run"),
    ],
)
def test_an_action_that_could_not_work_is_refused_when_it_registers(attributes, words):
    sound = {"key": "sound", "label": "Sound", "run": lambda self, context: Done()}
    with pytest.raises(TypeError, match=words):
        actions.register(type("Unsound", (Action,), sound | attributes))
    assert "sound" not in actions


def test_a_trigger_type_with_an_unknown_icon_is_refused():
    unsound = type("Unsound", (TriggerType,), {"key": "t", "label": "T", "events": ("a.b",), "icon": "unicorn"})
    with pytest.raises(TypeError, match="unknown icon"):
        trigger_types.register(unsound)


# ---------------------------------------------------------------------- what an attacker sent


@pytest.mark.parametrize(
    "timing",
    [
        {"when": "time", "at": "9:30"},
        {"when": "delay", "amount": "5", "unit": "days", "delay_at": "9:05"},
        {"when": "now", "working_only": "false"},
    ],
)
def test_a_timing_is_stored_as_the_form_reads_it_and_stops_no_pipeline(world, alice, client, timing):
    body = {"stage": world.stages["talk"].pk, "action": "add_comment", "settings": {"text": "x"}, "timing": timing}
    assert alice.post("/rules", body).status_code == 201
    assert not Rule.objects.get().when().working_only
    world.move(world.deal(), "talk")
    client.force_login(world.alice)
    assert client.get(f"/board/{world.pipeline.pk}/").status_code == 200
    assert client.get("/admin/automation/rule/").status_code == 200


@pytest.mark.parametrize(
    "more",
    [
        {"timing": {"when": "now", "at": {"a": 1}}},
        {"timing": {"when": "now", "nonsense": 1}},
        {"timing": {"when": "now", "late_limit": 10**30}},
        {"settings": {"text": {"a": 1}}},
        {"condition": {"all": [], "any": 5}},
        {"condition": {"field": "item.created_at", "op": "more_than", "value": "9999-12-31T23:59:59-14:00"}},
        {"condition": {"field": "item.due_date", "op": "equals", "value": ["2026-01-01"]}},
        {"condition": {"field": "item.due_date", "op": "last_days", "value": True}},
        {"condition": {"field": "item.owner", "op": "equals", "value": 2**70}},
        {"condition": {"field": "item.owner", "op": "equals", "value": {"a": 1}}},
        {"condition": {"field": "item.stage", "op": "equals", "value": "No such stage"}},
        {"condition": {"field": "item.stage", "op": "equals", "value": 999999}},
        {"condition": {"field": "item.amount", "op": "between", "value": ["5", "1"]}},
        {"condition": {"field": "item.amount", "op": "more_than", "value": "1e9999999999"}},
        {"condition": {"field": "item.title", "op": "equals", "value": "x", "colour": "red"}},
    ],
)
def test_what_would_fail_in_every_run_is_refused_in_words(world, alice, more):
    body = {"stage": world.stages["talk"].pk, "action": "add_comment", "settings": {"text": "x"}} | more
    answer = alice.post("/rules", body)
    assert answer.status_code == 422, answer.data
    assert not Rule.objects.exists()


@pytest.mark.parametrize("number", [2**63, 2**70, "9" * 400])
def test_a_person_whose_number_is_no_key_is_nobody(world, alice, client, number):
    body = {"stage": world.stages["talk"].pk, "action": "notify", "settings": {"text": "x", "to_users": [number]}}
    assert alice.post("/rules", body).status_code == 422
    client.force_login(world.alice)
    address = f"/admin/automation/rule/add/?kind=notify&stage={world.stages['talk'].pk}"
    assert client.post(address, {"own-to_users": str(number)}).status_code == 200
    assert client.get(f"/admin/automation/rule/add/?kind=notify&stage={number}").status_code == 404


def test_a_broken_rule_is_switched_off_and_a_program_confirms_no_reading_that_it_has_not_seen(world, alice):
    rule = world.rule("talk", settings={"text": "{{ item.gone }}"}, unconfirmed=[{"x": 1}])
    assert alice("PATCH", f"/rules/{rule.pk}", {"is_enabled": False}).status_code == 200
    rule.refresh_from_db()
    assert (rule.is_enabled, rule.unconfirmed) == (False, [{"x": 1}])
    assert alice("PATCH", f"/rules/{rule.pk}", {"settings": {"text": "{{ item.gone }}"}}).status_code == 422
    assert alice("PATCH", f"/rules/{rule.pk}", {"condition": {}}).status_code == 200
    rule.refresh_from_db()
    assert rule.unconfirmed == []
