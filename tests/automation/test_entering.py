"""E01 to E10: entering a stage."""

from datetime import timedelta

import pytest

from automation.models import Rule, Run
from crm.ground import clock
from crm.models import Cause, Event, ItemType, Pipeline, Stage, StageVisit


def test_E01_entering_a_stage_starts_every_enabled_rule_once(world, now, drain):
    rules = [world.rule("talk", settings={"text": f"r{n}"}) for n in range(3)]
    world.rule("talk", is_enabled=False)
    item = world.deal()
    world.move(item, "talk")
    assert [run.rule for run in world.runs(item)] == rules
    drain()
    assert sorted(world.comments(item)) == ["r0", "r1", "r2"]
    drain()
    assert len(world.comments(item)) == 3


@pytest.mark.parametrize("kind", ["person", "form", "api", "import", "trigger", "rule"])
def test_E01_how_the_item_entered_makes_no_difference(world, now, drain, kind):
    world.rule("talk")
    item = world.deal()
    world.move(item, "talk", cause=Cause(kind, depth=0))
    drain()
    assert world.comments(item) == ["hello"]


def test_E02_each_pipeline_has_its_own_rules(world, now, drain):
    other = Pipeline.objects.create(item_type=ItemType.objects.get(key="deal"), name="Other")
    stage = Stage.objects.create(pipeline=other, name="New", kind="open")
    world.rule("new")
    item = type(world.deal()).create(other, "elsewhere", stage=stage, by=world.alice)
    drain()
    assert world.runs(item) == []


def test_E03_skipped_stages_do_not_run(world, now, drain):
    for stage in ("talk", "papers", "pay"):
        world.rule(stage, settings={"text": stage})
    item = world.deal()
    world.move(item, "pay")
    drain()
    assert world.comments(item) == ["pay"]


def test_E04_creating_an_item_enters_its_first_or_chosen_stage(world, now, drain):
    world.rule("new", settings={"text": "new"})
    world.rule("papers", settings={"text": "papers"})
    first, chosen = world.deal(), world.deal(stage="papers")
    drain()
    assert world.comments(first) == ["new"]
    assert world.comments(chosen) == ["papers"]


def test_E06_moving_to_the_same_stage_is_no_entry(world, now, drain):
    world.rule("new")
    item, other = world.deal(), world.deal("Other")
    events = Event.objects.filter(item=item).count()
    moved = world.move(item, "new", before=other.pk)
    assert moved.visit is None
    assert StageVisit.objects.filter(item=item).count() == 1
    assert Event.objects.filter(item=item).count() == events
    assert len(world.runs(item)) == 1


def test_E07_entering_again_is_a_new_visit_and_runs_again(world, now, drain):
    world.rule("talk")
    item = world.deal()
    for stage in ("talk", "new", "talk"):
        world.move(item, stage)
        drain()
    assert world.comments(item) == ["hello", "hello"]


def test_E07_repeat_once_says_why_it_did_not_run_again(world, now, drain):
    rule = world.rule("talk", repeat=Rule.Repeat.ONCE)
    item = world.deal()
    for stage in ("talk", "new", "talk"):
        world.move(item, stage)
        drain()
    assert world.comments(item) == ["hello"]
    assert world.run_of(rule, item).status == "skipped"
    assert "already run" in world.run_of(rule, item).error


def test_E07_repeat_in_days_counts_only_recent_runs(world, now, drain):
    world.rule("talk", repeat=Rule.Repeat.DAYS, repeat_days=7)
    item = world.deal()
    world.move(item, "talk")
    drain()
    for days, expected in ((6, 1), (8, 2)):
        with clock.at(now + timedelta(days=days)):
            world.move(item, "new")
            world.move(item, "talk")
            drain()
        assert len(world.comments(item)) == expected


def test_E08_won_and_lost_stages_have_rules(world, now, drain):
    world.rule("won", settings={"text": "won"})
    world.rule("lost", settings={"text": "lost"})
    winner, loser = world.deal(), world.deal()
    world.move(winner, "won")
    world.move(loser, "lost", note="too far")
    drain()
    assert (world.comments(winner), world.comments(loser)) == (["won"], ["lost"])


def test_E10_rules_watch_entries_only(world, now, drain):
    world.rule("new")
    item = world.deal()
    drain()
    item.change({"title": "Another name"}, by=world.bob)
    drain()
    assert world.comments(item) == ["hello"]
    assert Run.objects.filter(item=item).count() == 1
