"""Events that runs may wait for: heard in a batch where a run waits, and asked for once a batch where none does."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation.models import Run
from crm.ground import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
LATER = {"when": "delay", "amount": 1, "unit": "hours"}


def test_a_comment_that_a_rule_writes_in_a_batch_wakes_who_waits_for_one(world, now, drain):
    wait = {"event": "comment.added", "amount": "7", "unit": "days", "late": "skip"}
    waiting = world.rule("talk", "wait_for", wait)
    world.rule("talk", timing=LATER)
    deals = [world.deal(f"Deal {number}") for number in range(3)]
    for deal in deals:
        world.move(deal, "talk")
    drain()
    assert set(Run.objects.filter(rule=waiting).values_list("status", "alone")) == {("waiting", True)}
    with clock.at(now + timedelta(hours=1)):
        drain()
    assert set(Run.objects.filter(rule=waiting).values_list("status", flat=True)) == {"done"}


def test_where_nobody_waits_a_batch_asks_once_for_all_its_comments(world, now, drain):
    world.rule("talk", timing=LATER)

    def asked(cards):
        for number in range(cards):
            world.move(world.deal(f"Deal {number}"), "talk")
        drain()
        with clock.at(now + timedelta(hours=1)), CaptureQueriesContext(connection) as queries:
            drain()
        return sum(
            "wait_on" in one["sql"] and one["sql"].startswith("SELECT") and "event:" in one["sql"] for one in queries
        )

    assert asked(6) <= 3
