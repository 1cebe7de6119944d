"""E11 to E14: order, chains, values of earlier rules."""

import pytest

from automation.base import action_of, actions
from automation.engine import control
from automation.models import Rule, scope_of
from crm.messages import merge_text


def chain(world, *hows, form=Rule.After.ENDED):
    """A misbehaving rule and its followers."""
    rules = [world.rule("talk", "misbehave", {"how": hows[0]})]
    for how in hows[1:]:
        rules.append(world.rule("talk", "misbehave", {"how": how}, after_previous=form))
    return rules


def statuses(world, item):
    return [run.status for run in world.runs(item)]


def test_E11_rules_run_independently_unless_after_the_previous(world, now, drain):
    first, second, third = chain(world, "fine", "fine", "fine")
    free = world.rule("talk")
    item = world.deal()
    world.move(item, "talk")
    planned = {run.rule_id: run for run in world.runs(item)}
    assert planned[first.pk].due_at == now
    assert planned[free.pk].due_at == now
    assert planned[second.pk].due_at is None
    assert planned[second.pk].waiting_for == "previous"
    drain()
    assert statuses(world, item) == ["done"] * 4
    ended = [world.run_of(rule).finished_at for rule in (first, second, third)]
    assert ended == sorted(ended)


def test_E11_a_failing_rule_does_not_stop_an_independent_one(world, now, drain):
    world.rule("talk", "misbehave", {"how": "raise"})
    world.rule("talk")
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert statuses(world, item) == ["failed", "done"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (Rule.After.ENDED, ["failed", "skipped", "done"]),  # the skipped one has ended, so the third one runs
        (Rule.After.DONE, ["failed", "skipped", "skipped"]),
        (Rule.After.ANY, ["failed", "done", "done"]),
    ],
)
def test_E12_what_follows_a_failure(world, now, drain, form, expected):
    chain(world, "raise", "fine", "fine", form=form)
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert statuses(world, item) == expected
    if expected[1] == "skipped":
        assert world.runs(item)[1].error == "previous rule failed"


def test_E12_skipped_counts_as_ended(world, now, drain):
    first = world.rule("talk", condition={"all": [{"field": "item.amount", "op": "is_filled"}]})
    second = world.rule("talk", after_previous=Rule.After.ENDED)
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert world.run_of(first).status == "skipped"
    assert world.run_of(second).status == "done"


def test_E12_a_rule_that_is_off_counts_as_ended(world, now, drain):
    world.rule("talk", is_enabled=False)
    second = world.rule("talk", after_previous=Rule.After.ENDED)
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert world.run_of(second).status == "done"


def test_E12_a_rule_cancelled_by_a_person_counts_as_ended(world, now, drain):
    first = world.rule("talk", timing={"when": "delay", "amount": 1, "unit": "days"})
    second = world.rule("talk", after_previous=Rule.After.ENDED)
    item = world.deal()
    world.move(item, "talk")
    control.cancel(world.run_of(first), world.bob)
    drain()
    assert world.run_of(second).status == "done"


def test_E13_later_rules_read_the_values_of_earlier_ones(world, now, drain):
    world.rule("talk", "greet", {"text": "Dzień dobry {{ contact.salutation }}"}, key="hello")
    world.rule("talk", settings={"text": "said: {{ rules.hello.greeting }}"}, after_previous=Rule.After.ENDED)
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert world.comments(item)[-1] == "said: Dzień dobry Hằng"


def test_E13_a_rule_cannot_read_values_of_a_later_one(world, now):
    first = world.rule("talk")
    world.rule("talk", "greet", key="later")
    extra = scope_of(world.stages["talk"], first).merge_extra("rules")
    with pytest.raises(merge_text.MergeError, match=r"rules\.later\.greeting"):
        merge_text.check("{{ rules.later.greeting }}", extra=extra)


def test_E14_helpers_are_marked_in_the_catalogue(world, now):
    helpers = {action.key for action in actions if action.helper}
    assert "misbehave" in helpers
    assert not {"send_sms", "create_task", "add_comment"} & helpers
    assert action_of("misbehave").outputs
