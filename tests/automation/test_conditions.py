"""E23 to E25: conditions."""

from datetime import UTC, date, datetime, timedelta

import pytest

from automation.conditions import judge
from automation.facts import CannotJudge, Facts
from crm.ground import clock

NIGHT = datetime(2026, 11, 18, 22, 30, tzinfo=UTC)
VALUES = {
    "item.amount": 3000,
    "item.title": "Stół dębowy",
    "item.source": "",
    "item.tags": ["vip", "pl"],
    "item.flag": True,
    "item.due_date": date(2026, 11, 20),
    "item.limit": 5000,
}


def verdict(field, op, value=None, **more):
    facts = Facts(
        values=VALUES.__getitem__, labels=lambda path: path.split(".")[-1], now=NIGHT, **more.pop("facts", {})
    )
    return judge({"field": field, "op": op, "value": value, **more}, facts)


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("item.amount", "equals", "3 000", True),
        ("item.amount", "not_equals", "3000.00", False),
        ("item.title", "contains", "DEBOWY", True),
        ("item.title", "not_contains", "sosna", True),
        ("item.title", "starts_with", "stol", True),
        ("item.title", "one_of", "krzesło, stół dębowy", True),
        ("item.tags", "none_of", ["new", "vip"], False),
        ("item.amount", "more_than", 3000, False),
        ("item.amount", "at_least", 3000, True),
        ("item.amount", "less_than", "3000,01", True),
        ("item.amount", "at_most", 2999, False),
        ("item.amount", "between", "1000, 3000", True),
        ("item.source", "is_empty", None, True),
        ("item.title", "is_filled", None, True),
        ("item.flag", "is_true", None, True),
        ("item.flag", "is_false", None, False),
        ("item.due_date", "next_days", 2, True),
        ("item.due_date", "next_days", 1, False),
        ("item.due_date", "last_days", 5, False),
        ("item.due_date", "more_than", "2026-11-19", True),
        ("item.source", "more_than", 1, False),
        ("", "time_between", "22:00, 06:00", True),
        ("", "time_between", "06:00, 22:00", False),
        ("", "weekday_is", "wed, thu", True),
    ],
)
def test_E23_operators_by_type(field, op, value, expected):
    assert verdict(field, op, value).true is expected


def test_E23_trees_of_all_any_and_not():
    facts = Facts(values=VALUES.__getitem__, labels=str, now=NIGHT)
    rich = {"field": "item.amount", "op": "more_than", "value": 10_000}
    vip = {"field": "item.tags", "op": "equals", "value": "vip"}
    assert judge({"any": [rich, vip]}, facts).true
    assert not judge({"all": [rich, vip]}, facts).true
    assert judge({"all": [{"not": rich}, {"any": [rich, vip]}]}, facts).true


def test_E23_a_field_may_be_compared_with_another_field():
    assert verdict("item.amount", "less_than", value_field="item.limit").true


def test_E23_became_and_changed_read_the_event_that_caused_the_entry():
    facts = {"changes": {"stage": ["Talk", "Papers"]}}
    VALUES["stage"] = "Papers"
    try:
        assert verdict("stage", "became", "papers", facts=facts).true
        assert verdict("stage", "changed", "talk, papers", facts=facts).true
        assert not verdict("stage", "changed", "new, papers", facts=facts).true
    finally:
        del VALUES["stage"]


def test_E24_a_delayed_rules_condition_is_judged_when_due_on_fresh_data(world, now, drain):
    condition = {"all": [{"field": "item.amount", "op": "at_least", "value": 5000}]}
    world.rule("talk", timing={"when": "delay", "amount": 1, "unit": "hours"}, condition=condition)
    item = world.deal(amount=100)
    world.move(item, "talk")
    item.change({"amount": 6000}, by=world.bob)
    with clock.at(now + timedelta(hours=1)):
        drain()
    assert world.comments(item) == ["hello"]


def test_E25_a_false_condition_skips_with_the_values_it_read(world, now, drain):
    rule = world.rule("talk", condition={"all": [{"field": "item.amount", "op": "at_least", "value": 5000}]})
    world.move(world.deal(amount=3000), "talk")
    drain()
    run = world.run_of(rule)
    assert run.status == "skipped"
    assert run.error == "amount 3,000 < 5,000"


def test_E25_a_condition_that_cannot_be_judged_fails_and_is_never_silent(world, now, drain):
    rule = world.rule("talk", condition={"all": [{"field": "item.custom.gone", "op": "is_empty"}]})
    world.move(world.deal(), "talk")
    drain()
    assert world.run_of(rule).status == "failed"
    assert "item.custom.gone" in world.run_of(rule).error


def test_E25_nonsense_cannot_be_judged():
    with pytest.raises(CannotJudge, match="not a number"):
        verdict("item.title", "more_than", 5)
    with pytest.raises(CannotJudge, match="no comparison"):
        verdict("item.title", "smells_like", 5)


def test_E23_a_rules_condition_may_ask_which_stage_it_came_from(world, now, drain):
    rule = world.rule("papers", condition={"all": [{"field": "stage", "op": "changed", "value": "Talk, Papers"}]})
    item = world.deal()
    world.move(item, "talk")
    world.move(item, "papers")
    drain()
    assert world.run_of(rule).status == "done"
