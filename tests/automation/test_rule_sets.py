"""Rule sets: called from a stage, run in its stay, waited for, cancelled with it, with the rights of both publishers."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from automation.base import actions, bind
from automation.models import Rule, RuleSet, Run, scope_of
from crm.ground import clock
from crm.models import Item, Pipeline, Stage
from crm.pipelines.rights import Scope
from tests.crm.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def made(world):
    return RuleSet.objects.create(pipeline=world.pipeline, name="Welcome")


def of_set(world, made, action="add_comment", settings=None, **more):
    more.setdefault("publisher", world.alice)
    world.counter += 1
    return Rule.objects.create(
        rule_set=made,
        key=more.pop("key", f"inner_{world.counter}"),
        name=more.pop("name", f"Inner {world.counter}"),
        action=action,
        settings={"text": "from the set"} if settings is None else settings,
        order=world.counter,
        **more,
    )


def call(world, made, stage="talk", **more):
    return world.rule(stage, "run_rule_set", {"rule_set": str(made.pk)}, **more)


def entered(world, drain, stage="talk", **more):
    deal = world.deal(**more)
    world.move(deal, stage)
    drain()
    return deal


def test_a_rule_stands_on_a_stage_or_in_a_set_never_in_both_nor_in_none(world, made):
    for places in ({}, {"stage": world.stages["talk"], "rule_set": made}):
        with pytest.raises((IntegrityError, AttributeError)), transaction.atomic():
            Rule.objects.create(key="x", name="x", action="add_comment", publisher=world.alice, **places)


def test_a_call_runs_the_sets_rules_and_waits_for_the_last_of_them(world, made, drain):
    of_set(world, made)
    of_set(world, made, "wait", {"amount": "1", "unit": "hours"})
    of_set(world, made, settings={"text": "after the pause"}, after_previous="ended")
    caller = call(world, made)
    world.rule("talk", settings={"text": "after the set"}, after_previous="ended")
    deal = entered(world, drain)
    assert world.comments(deal) == ["from the set"]
    assert Run.objects.get(rule=caller).status == "waiting"
    with clock.at(clock.now() + timedelta(hours=1)):
        drain()
    assert world.comments(deal) == ["from the set", "after the pause", "after the set"]
    assert Run.objects.get(rule=caller).status == "done"


def test_its_values_are_handed_on_under_the_callers_key_and_two_sets_may_use_one_name(world, made, drain):
    other = RuleSet.objects.create(pipeline=world.pipeline, name="Other")
    for rule_set in (made, other):
        of_set(world, rule_set, "generate_code", {"length": "6", "alphabet": "digits"}, key="number")
        of_set(world, rule_set, settings={"text": "inner {{ rules.number.code }}"}, after_previous="ended")
    call(world, made, key="first")
    call(world, other, key="second", after_previous="ended")
    text = "{{ rules.first.number.code }}-{{ rules.second.number.code }}"
    scope = scope_of(world.stages["talk"])
    assert bind(actions.get("add_comment").Settings, {"text": text}, scope).is_valid()
    assert not bind(actions.get("add_comment").Settings, {"text": "{{ rules.first.number.colour }}"}, scope).is_valid()
    world.rule("talk", settings={"text": text}, after_previous="ended")
    deal = entered(world, drain)
    inner_one, inner_two, outer = world.comments(deal)
    assert outer == f"{inner_one.removeprefix('inner ')}-{inner_two.removeprefix('inner ')}"


def test_the_same_set_called_twice_in_a_stay_runs_in_two_rounds(world, made, drain):
    of_set(world, made)
    call(world, made)
    call(world, made, after_previous="ended")
    deal = entered(world, drain)
    assert world.comments(deal) == ["from the set"] * 2
    assert sorted(Run.objects.filter(rule__rule_set=made).values_list("round", flat=True)) == [0, 1]


@pytest.mark.parametrize(("form", "goes_on"), [("ended", False), ("any", True)])
def test_one_failed_rule_ends_the_call_badly_and_the_callers_chain_judges_it(world, made, drain, form, goes_on):
    of_set(world, made, "calculate", {"left": "1", "sign": "divide", "right": "item.amount", "places": "2"})
    of_set(world, made)
    caller = call(world, made)
    world.rule("talk", settings={"text": "went on"}, after_previous=form)
    deal = entered(world, drain, amount=0)
    run = Run.objects.get(rule=caller)
    assert (run.status, "zero" in run.error) == ("failed", True)
    assert world.comments(deal) == ["from the set"] + (["went on"] if goes_on else [])


def test_leaving_the_stage_cancels_the_sets_rules_and_their_caller(world, made, drain):
    of_set(world, made, timing={"when": "delay", "amount": 1, "unit": "days"})
    call(world, made)
    deal = entered(world, drain)
    world.move(deal, "pay")
    drain()
    assert set(Run.objects.values_list("status", flat=True)) == {"cancelled"}


def test_an_empty_set_is_done_and_one_that_is_gone_fails_in_words(world, made, drain):
    caller = call(world, made)
    entered(world, drain)
    assert Run.objects.get(rule=caller).status == "done"
    made.delete()
    entered(world, drain)
    run = Run.objects.filter(rule=caller).latest("pk")
    assert (run.status, bool(run.error)) == ("failed", True)


def test_a_circle_of_sets_is_refused_at_save_and_stopped_with_its_path_when_run(world, made, drain):
    other = RuleSet.objects.create(pipeline=world.pipeline, name="Farewell")
    of_set(world, made, "run_rule_set", {"rule_set": str(other.pk)})
    form = bind(actions.get("run_rule_set").Settings, {"rule_set": str(made.pk)}, scope_of(other))
    assert "rule_set" in form.errors
    # Two administrators saved at the same moment.
    of_set(world, other, "run_rule_set", {"rule_set": str(made.pk)})
    neighbour = world.rule("talk")
    call(world, made)
    entered(world, drain)
    failed = Run.objects.filter(status="failed")
    assert failed.exists()
    assert any("Welcome → Farewell → Welcome" in run.error for run in failed)
    assert Run.objects.get(rule=neighbour).status == "done"
    assert not Run.objects.filter(status__in=("planned", "waiting", "running")).exists()


def test_a_set_of_another_pipeline_cannot_be_called(world, made):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Other", currency="PLN")
    stage = Stage.objects.create(pipeline=other, name="A", kind="open", order=0)
    assert "rule_set" in bind(actions.get("run_rule_set").Settings, {"rule_set": str(made.pk)}, scope_of(stage)).errors


def test_it_acts_with_the_rights_that_both_publishers_have(world, made, drain):
    world.role(world.charlie, view=Scope.ALL, edit=Scope.OWN, delete=Scope.NONE, add=Scope.NONE, move=Scope.NONE)
    inner = of_set(world, made, "delete_item", {}, publisher=world.alice)
    call(world, made, publisher=world.charlie)
    deal = entered(world, drain, owner=world.charlie)
    assert Run.objects.get(rule=inner).status == "failed"
    assert Item.objects.get(pk=deal.pk).deleted_at is None


def test_programs_and_administrators_make_sets_and_place_rules_in_them(world, client):
    alice = Caller(client, world.alice)
    row = alice.post("/rule-sets", {"pipeline": world.pipeline.pk, "name": "By program"}).data
    body = {"rule_set": row["id"], "action": "add_comment", "settings": {"text": "x"}}
    rule = alice.post("/rules", body)
    assert (rule.status_code, rule.data["stage"], rule.data["rule_set"]) == (201, None, row["id"])
    assert alice.post("/rules", body | {"stage": world.stages["talk"].pk}).status_code == 422
    assert alice.post("/rule-sets", {"pipeline": world.pipeline.pk, "name": "By program"}).status_code == 422
    client.force_login(world.alice)
    page = client.get("/admin/automation/rule/add/").content.decode()
    assert f'value="set:{row["id"]}"' in page
    form = client.get(f"/admin/automation/rule/add/?kind=add_comment&stage=set:{row['id']}")
    assert form.status_code == 200
    assert client.get("/admin/automation/rule/").status_code == 200
    assert client.get("/admin/automation/ruleset/").status_code == 200
    assert client.get(f"/admin/automation/rule/{rule.data['id']}/change/").status_code == 200
    assert client.get(f"/board/{world.pipeline.pk}/").status_code == 200
