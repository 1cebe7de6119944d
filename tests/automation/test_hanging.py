"""Texts and rules that would stop the workers: the run says why, and the rule that hangs twice is held."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from automation.engine.worker import RunWorker
from automation.models import MOST_RULES, Rule, Run
from crm.ground import clock, databases
from crm.models import Notification
from crm.work import queue
from crm.work.leased import HOST, Status


def hanging(*runs: Run) -> None:
    """As the database stands when the watchdog has just killed the worker that held these."""
    ids = [run.pk for run in runs]
    Run.objects.filter(pk__in=ids).update(
        status=Status.RUNNING,
        owner=f"{HOST}:1:dead",
        crashes=1,
        lease_until=databases.real_in(60),
        started_at=clock.now(),
    )
    RunWorker().was_killed()


def test_a_text_without_end_fails_its_run_with_a_sentence(world, drain):
    world.rule("new", settings={"text": "{{ (1..1500000000) | sum }}"})
    world.deal()
    drain()
    run = Run.objects.get()
    assert run.status == Status.FAILED
    assert "2000 numbers" in run.error
    assert "Line 1" in run.error


def test_a_rule_whose_runs_stop_a_worker_twice_in_a_day_is_held(world):
    rule = world.rule("new", publisher=world.bob)
    world.deal()
    world.deal()
    first, second = Run.objects.order_by("pk")
    hanging(first)
    first.refresh_from_db()
    assert first.status == Status.RUNNING, "a single death is E48's"
    hanging_again(second, first)
    second.refresh_from_db()
    rule.refresh_from_db()
    assert second.status == Status.FAILED
    assert rule.paused_at is not None
    assert set(Notification.objects.values_list("user", flat=True)) == {world.alice.pk, world.bob.pk}


def hanging_again(run: Run, other: Run) -> None:
    Run.objects.filter(pk=other.pk).update(status=Status.PLANNED, owner="", lease_until=None)
    hanging(run)


def test_a_rule_that_hung_long_ago_is_not_held(world):
    rule = world.rule("new")
    world.deal()
    Rule.objects.filter(pk=rule.pk).update(hung_at=clock.now() - timedelta(days=2))
    hanging(Run.objects.get())
    rule.refresh_from_db()
    assert rule.paused_at is None
    assert rule.hung_at is not None


def test_who_hung_in_one_batch_is_not_guessed(world):
    rules = [world.rule("new"), world.rule("new")]
    world.deal()
    for _time in range(2):
        hanging(*Run.objects.all())
    assert Rule.objects.filter(paused_at__isnull=True).count() == len(rules)


def test_a_stage_has_a_most_of_rules_and_says_so_at_save(world):
    rule = world.rule("new")
    copies = [
        Rule(
            stage=rule.stage,
            pipeline=rule.pipeline,
            key=f"r{n}",
            name=f"R{n}",
            action=rule.action,
            settings=rule.settings,
        )
        for n in range(MOST_RULES - 1)
    ]
    Rule.objects.bulk_create(copies)
    with pytest.raises(ValidationError, match="300 rules at most"):
        world.rule("new")
    with pytest.raises(ValidationError, match="300 rules at most"):
        Rule(stage=rule.stage, pipeline=rule.pipeline, key="one", name="One", action="add_comment").full_clean()
    rule.name = "Renamed"
    rule.save()
    world.rule("talk")


def test_a_lease_that_ran_out_is_still_held_here_for_the_watchdog(world):
    assert not queue.holds_leases()
    world.rule("new")
    world.deal()
    Run.objects.update(status=Status.RUNNING, owner=f"{HOST}:1:dead", lease_until=databases.real_in(-5))
    assert not Run.objects.held_here().exists()
    assert queue.holds_leases()
