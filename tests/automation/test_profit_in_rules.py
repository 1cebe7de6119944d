"""Profit in rules: their texts and conditions may read it, where their publisher sees it."""

import json
from decimal import Decimal

import pytest

from automation.models import Rule, RuleSet, Run, TriggerFiring
from crm.items.listing import replace_lines
from crm.messages import merge_text
from crm.models import LineItem, Role, Task
from crm.pipelines.rights import Scope
from tests.crm.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
POOR = {"all": [{"field": "item.margin", "op": "less_than", "value": "20"}]}


@pytest.fixture
def deal(world):
    """Ten per cent of 100 EUR. Alice administers, Charlie's role sees profit, Bob's does not; both set the pipeline up."""
    world.role(world.bob, world.charlie, configure=Scope.ALL)
    Role.objects.create(name="Controllers", sees_profit=True).people.add(world.charlie)
    lines = [LineItem(name="Table", price=Decimal(100), cost=Decimal(90))]
    return replace_lines(world.deal(currency="EUR"), lines, by=world.alice)


def test_a_rule_of_who_sees_profit_reads_it(world, deal, drain):
    text = "{{ item.profit | money }} of {{ item.costs | money }}, {{ item.margin }} %"
    rule = world.rule("talk", settings={"text": text}, condition=POOR, publisher=world.charlie)
    world.move(deal, "talk")
    drain()
    assert world.comments(deal) == ["10,00\xa0€ of 90,00\xa0€, 10.0 %"]
    # Whoever sees the card reads why the rule ran, and no figure.
    told = Run.objects.get(rule=rule).condition_read
    assert "10" not in told
    assert "20" not in told
    assert "margin" in told


def test_a_rule_whose_publisher_lost_the_right_says_so(world, deal, drain):
    in_text = world.rule("talk", settings={"text": "{{ item.profit }}"}, publisher=world.bob)
    in_condition = world.rule("talk", settings={"text": "x"}, condition=POOR, publisher=world.bob)
    counting = world.rule(
        "talk", "add_line_item", {"name": "x", "price": "item.profit", "quantity": "1"}, publisher=world.bob
    )
    world.move(deal, "talk")
    drain()
    runs = {run.rule_id: run for run in Run.objects.all()}
    for rule in (in_text, in_condition, counting):
        assert runs[rule.pk].status == "failed"
        assert "profit" in runs[rule.pk].error
    assert world.comments(deal) == []


def test_a_trigger_asks_its_publisher_too(world, deal, drain):
    world.trigger("talk", "task_status", {"status": ["done"]}, condition=POOR, publisher=world.bob)
    Task.objects.create(item=deal, title="x", creator=world.bob, assignee=world.bob).set_status("done", by=world.bob)
    drain()
    assert "profit" in TriggerFiring.objects.get().reason


def test_nobody_publishes_what_he_does_not_see(world, deal, client):
    bob, charlie = Caller(client, world.bob), Caller(client, world.charlie)
    body = {"stage": world.stages["talk"].pk, "action": "add_comment", "settings": {"text": "{{ item.profit }}"}}
    answer = bob.post("/rules", body)
    assert answer.status_code == 422
    assert "settings" in json.dumps(answer.data)
    assert charlie.post("/rules", body).status_code == 201
    body |= {"settings": {"text": "x"}, "condition": POOR}
    answer = bob.post("/rules", body)
    assert answer.status_code == 422
    assert "condition" in json.dumps(answer.data)
    # Who switches off what another wrote is asked nothing.
    rule = Rule.objects.get()
    assert bob("PATCH", f"/rules/{rule.pk}", {"is_enabled": False}).status_code == 200


@pytest.mark.parametrize("door", ["mail template", "by hand", "form"])
def test_no_other_text_names_it(door):
    with pytest.raises(merge_text.MergeError, match="there is no field"):
        merge_text.check(
            "{{ item.profit }}", extra={"mail template": {"rules": None}, "form": {"answers": None}}.get(door)
        )


def test_a_text_that_walks_over_all_fields_does_not_meet_it(deal):
    told = merge_text.render("{% for pair in item %}{{ pair }} {% endfor %}", merge_text.Values(deal))
    assert "profit" not in told
    assert "margin" not in told
    with pytest.raises(merge_text.MergeError, match="does not see profit"):
        merge_text.render("{{ item.profit }}", merge_text.Values(deal), for_mail=True)


def test_rules_of_a_set_read_it_where_both_publishers_may(world, deal, drain):
    made = RuleSet.objects.create(pipeline=world.pipeline, name="Set")
    Rule.objects.create(
        rule_set=made, pipeline=world.pipeline, key="note", name="n", action="add_comment",
        settings={"text": "{{ item.profit }}"}, publisher=world.charlie,
    )  # fmt: skip
    world.rule("talk", "run_rule_set", {"rule_set": str(made.pk)}, publisher=world.bob)
    world.move(deal, "talk")
    drain()
    assert world.comments(deal) == []
    assert "profit" in Run.objects.get(rule__key="note").error


def test_what_a_rule_counts_of_it_is_told_in_no_history(world, deal, drain, client):
    count = {"left": "item.profit", "sign": "multiply", "right": "1", "places": "2"}
    world.rule("talk", "calculate", count, publisher=world.charlie, key="count")
    world.move(deal, "talk")
    drain()
    run = Run.objects.get()
    assert (run.status, run.error, run.outputs) == ("done", "", {"result": "10.00"})
    assert Caller(client, world.bob).get(f"/runs/{run.pk}").data["outputs"] == {}
    assert Caller(client, world.charlie).get(f"/runs/{run.pk}").data["outputs"] == {"result": "10.00"}


def test_a_cost_in_a_rule_is_set_by_who_sees_costs(world, deal, drain, client):
    settings = {"name": "Delivery", "price": "5", "quantity": "1", "cost": "1"}
    body = {"stage": world.stages["talk"].pk, "action": "add_line_item", "settings": settings}
    answer = Caller(client, world.bob).post("/rules", body)
    assert answer.status_code == 422
    assert "cost" in json.dumps(answer.data)
    assert Caller(client, world.charlie).post("/rules", body).status_code == 201
    Rule.objects.update(publisher=world.bob)
    world.move(deal, "talk")
    drain()
    assert Run.objects.get().status == "failed"
    assert "cost" in Run.objects.get().error


def test_a_note_by_a_colleague_leaves_a_rule_with_who_answers_for_it(world, deal, drain, client):
    rule = world.rule("talk", settings={"text": "{{ item.profit }}"}, publisher=world.charlie)
    bob = Caller(client, world.bob)
    assert bob("PATCH", f"/rules/{rule.pk}", {"name": "Another name"}).status_code == 200
    assert bob("PATCH", f"/rules/{rule.pk}", {"retry_hours": 2}).status_code == 422
    rule.refresh_from_db()
    assert (rule.name, rule.publisher) == ("Another name", world.charlie)
    world.move(deal, "talk")
    drain()
    assert Run.objects.get().status == "done"


@pytest.mark.parametrize(
    "text", ['{{ item["profit"] }}', "{{ item . costs }}", "{% if item['margin'] %}x{% endif %}", "{{item\n.profit}}"]
)
def test_however_it_is_spelt_it_is_profit(world, deal, client, text):
    body = {"stage": world.stages["talk"].pk, "action": "add_comment", "settings": {"text": text}}
    assert Caller(client, world.bob).post("/rules", body).status_code == 422
    assert Caller(client, world.charlie).post("/rules", body).status_code == 201
