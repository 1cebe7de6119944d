"""E41, E42, E44 to E49: loops, floods, failures, crashes."""

from datetime import timedelta

import pytest
from django.db.models import Value
from django.utils import timezone

from automation.engine import control
from automation.engine.plan import MAX_DEPTH
from automation.engine.worker import RunWorker
from automation.models import Rule, Run
from crm.frame import health
from crm.ground import clock
from crm.messages import open_ends
from crm.models import Event, Item, Job, Message, Notification, StageVisit, SystemSwitches
from crm.work.jobs import JobWorker
from crm.work.leased import backoff


def to_stage(world, name):
    return {"stage": str(world.stages[name].pk)}


def carrier(world, answer):
    world.sms.transport, world.sms.settings = "carrier", {"answer": answer}
    world.sms.save()


def test_E41_at_depth_10_the_chain_stops_with_the_loop_and_one_notice(world, now, drain):
    world.rule("talk", "change_stage", to_stage(world, "papers"))
    world.rule("papers", "change_stage", to_stage(world, "talk"))
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert StageVisit.objects.filter(item=item).order_by("-pk")[0].depth == MAX_DEPTH
    failed = Run.objects.get(item=item, status="failed")
    assert failed.error.startswith("loop: ")
    assert "Talk → Papers → Talk" in failed.error
    assert Notification.objects.filter(kind="loop").count() == 1


def test_E42_more_than_100_automatic_moves_in_an_hour_pause_the_item(world, now, drain):
    rule = world.rule("talk")
    item = world.deal()
    StageVisit.objects.bulk_create(
        StageVisit(item=item, stage=world.stages["talk"], entered_at=now, left_at=now, cause_kind="rule")
        for _ in range(101)
    )
    from crm.models import Cause

    world.move(item, "talk", cause=Cause("trigger", depth=1))
    drain()
    assert Item.objects.get(pk=item.pk).automation_paused_at is not None
    assert world.run_of(rule).status == "held"
    assert Notification.objects.filter(kind="loop").count() == 1


def test_E42_a_rule_above_its_message_limit_is_paused_with_one_notice(world, now, drain):
    rule = world.rule("talk", "send_sms", {"text": "hi"}, hourly_limit=2)
    for _ in range(4):
        world.move(world.deal(), "talk")
        drain()
    assert Message.objects.count() == 2
    assert Rule.objects.get(pk=rule.pk).paused_at is not None
    assert [r.status for r in Run.objects.order_by("pk")] == ["done", "done", "held", "held"]
    assert Notification.objects.filter(kind="limit").count() == 1
    with clock.at(now + timedelta(hours=2)):
        assert control.release_rule(Rule.objects.get(pk=rule.pk), world.alice) == 2
        drain()
    assert Message.objects.count() == 4


def test_E44_a_rule_never_breaks_the_move_that_started_it(world, now, drain):
    world.rule("talk", "misbehave", {"how": "raise"})
    world.rule("talk", "not_installed_any_more")
    world.rule("talk")
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert Item.objects.get(pk=item.pk).stage.name == "Talk"
    assert [run.status for run in world.runs(item)] == ["failed", "failed", "done"]
    assert "not installed" in world.runs(item)[1].error
    # What the failing action had written is rolled back with it.
    assert world.comments(item) == ["hello"]


def test_E45_a_permanent_failure_ends_at_once_with_words(world, now, drain):
    carrier(world, "refused")
    rule = world.rule("talk", "send_sms", {"text": "hi"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert (world.run_of(rule).status, world.run_of(rule).error) == ("failed", "The number does not exist.")
    assert Message.objects.get().status == "failed"


def test_E45_a_temporary_failure_is_tried_again_honouring_retry_after(world, now, drain):
    carrier(world, "busy")
    rule = world.rule("talk", "send_sms", {"text": "hi"})
    world.move(world.deal(), "talk")
    drain()
    job = Job.objects.get(kind="send_message")
    assert (job.status, job.attempts) == ("planned", 1)
    assert job.due_at >= now + timedelta(seconds=7200)
    carrier(world, "")
    with clock.at(job.due_at):
        drain()
    assert world.run_of(rule).status == "done"


def test_E45_after_the_limit_it_fails(world, now, drain):
    carrier(world, "busy")
    rule = world.rule("talk", "send_sms", {"text": "hi"})
    world.move(world.deal(), "talk")
    drain()
    for _ in range(30):
        job = Job.objects.get(kind="send_message")
        if job.status != "planned":
            break
        with clock.at(job.due_at):
            drain()
    assert Job.objects.get(kind="send_message").status == "failed"
    assert world.run_of(rule).status == "failed"


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 5), (2, 300), (3, 1800), (4, 7200), (5, 18000), (6, 36000), (9, 36000)]
)
def test_E45_the_pauses(attempt, seconds):
    assert 0.8 * seconds <= backoff(attempt).total_seconds() <= 1.2 * seconds


def test_E45_an_actions_own_temporary_error_is_retried_alone(world, now, drain):
    rule = world.rule("talk", "misbehave", {"how": "temporary"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    run = world.run_of(rule)
    assert (run.status, run.attempts, run.error) == ("planned", 1, "busy, come back")
    assert world.comments(item) == []


def test_E46_a_failed_run_is_run_again_with_the_newest_or_the_old_settings(world, now, drain):
    rule = world.rule("talk", "misbehave", {"how": "raise"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    failed = world.run_of(rule)
    rule.settings = {"how": "fine"}
    rule.save()
    control.run_again(failed, world.bob)
    drain()
    control.run_again(failed, world.bob, old_settings=True)
    drain()
    assert [(r.round, r.status) for r in Run.objects.filter(rule=rule).order_by("round")] == [
        (0, "failed"),
        (1, "done"),
        (2, "failed"),
    ]


def test_E47_effect_and_status_are_one_transaction(world, now, drain):
    """A crash after the action but before the commit leaves neither."""
    world.rule("talk")
    item = world.deal()
    world.move(item, "talk")
    run = world.runs(item)[0]
    [claimed] = Run.objects.filter(pk=run.pk).claim(1)
    Run.objects.filter(pk=run.pk).update(owner="somebody else")  # the lease was lost meanwhile
    RunWorker()._alone(claimed.pk, claimed.owner)
    assert world.comments(item) == []


def test_E47_a_crash_while_sending_ends_unknown_and_is_never_resent_blindly(world, now, drain):
    carrier(world, "")
    rule = world.rule("talk", "send_sms", {"text": "hi"})
    after = world.rule("talk", settings={"text": "after"}, after_previous=Rule.After.ENDED)
    item = world.deal()
    world.move(item, "talk")
    RunWorker().take(50)
    worker = JobWorker()
    job = worker._claim_outside()
    worker._begin(job)  # … and the process dies here
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    worker.reclaim()
    drain()
    assert Message.objects.get().status == "unknown"
    assert world.run_of(rule).status == "unknown"
    assert world.run_of(after).status == "planned"  # unknown holds the chain
    assert Notification.objects.filter(kind="unknown").exists()
    open_ends.settle(Message.objects.get(), True, world.bob)
    drain()
    assert world.run_of(rule).status == "done"
    assert world.comments(item) == ["after"]


def test_E47_a_person_may_send_an_unknown_message_again(world, now, drain):
    carrier(world, "lost")
    rule = world.rule("talk", "send_sms", {"text": "hi"})
    world.move(world.deal(), "talk")
    drain()
    assert Message.objects.get().status == "unknown"
    carrier(world, "")
    open_ends.settle(Message.objects.get(), False, world.bob)
    drain()
    assert Message.objects.get().status == "sent"
    assert world.run_of(rule).status == "done"
    assert Job.objects.filter(kind="send_message").count() == 2


def test_E47_a_keyed_transport_is_repeated_safely(world, now, drain):
    rule = world.rule("talk", "send_sms", {"text": "hi"})
    world.move(world.deal(), "talk")
    RunWorker().take(50)
    worker = JobWorker()
    job = worker._claim_outside()
    worker._begin(job)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    worker.reclaim()
    drain()
    assert Message.objects.get().status == "sent"
    assert world.run_of(rule).status == "done"


def test_E48_a_run_whose_worker_died_is_taken_over(world, now, drain):
    world.rule("talk")
    item = world.deal()
    world.move(item, "talk")
    Run.objects.filter(item=item).claim(1)
    drain()
    assert world.comments(item) == []  # somebody holds it
    Run.objects.filter(item=item).update(lease_until=timezone.now() - timedelta(seconds=1))
    RunWorker().reclaim()
    drain()
    assert world.comments(item) == ["hello"]
    assert world.runs(item)[0].crashes == 0


def test_E48_three_crashes_of_the_same_run_make_it_failed(world, now, drain):
    rule = world.rule("talk")
    follower = world.rule("talk", settings={"text": "after"}, after_previous=Rule.After.ANY)
    item = world.deal()
    world.move(item, "talk")
    for _ in range(3):
        assert Run.objects.filter(rule=rule).claim(1)
        Run.objects.filter(rule=rule).update(lease_until=timezone.now() - timedelta(seconds=1))
        RunWorker().reclaim()
    assert (world.run_of(rule).status, world.run_of(rule).error) == ("failed", "crashed the worker")
    drain()
    assert world.run_of(follower).status == "done"


def test_E49_a_standstill_of_more_than_a_minute_is_a_fault(world, now, client):
    world.rule("talk")
    world.move(world.deal(), "talk")
    assert health.banner() == ""
    with clock.at(now + timedelta(minutes=5)):
        assert any("5 minutes" in line.fault for line in health.lines())
        answer = client.get("/healthz")
        assert answer.status_code == 503
        assert "Nothing has started" in answer.json()["faults"][0]
        client.force_login(world.bob)
        from django.core.cache import caches

        caches["near"].clear()
        assert "Nothing has started" in client.get(f"/board/{world.pipeline.pk}/").content.decode()


def test_the_switch_automation_paused_holds_runs_but_not_submissions(world, now, drain):
    world.rule("talk")
    item = world.deal()
    SystemSwitches.objects.update(automation_paused=True)
    world.move(item, "talk")
    drain()
    assert world.comments(item) == []
    SystemSwitches.objects.update(automation_paused=False)
    drain()
    assert world.comments(item) == ["hello"]


def test_a_wait_for_an_event_and_a_pause_go_on(world, now, drain):
    from crm.events.record import record

    rule = world.rule("talk", "misbehave", {"how": "wait"})
    pause = world.rule("talk", "misbehave", {"how": "pause"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert {world.run_of(rule).status, world.run_of(pause).status} == {"waiting"}
    record("guest.knocked", item=item)
    assert world.run_of(rule).status == "done"
    with clock.at(now + timedelta(hours=1)):
        drain()
    assert world.run_of(pause).status == "done"


def test_a_wait_past_its_deadline_fails(world, now, drain):
    rule = world.rule("talk", "misbehave", {"how": "wait"})
    world.move(world.deal(), "talk")
    drain()
    with clock.at(now + timedelta(days=91)):
        drain()
    assert world.run_of(rule).status == "failed"
    assert "in vain" in world.run_of(rule).error


def test_events_carry_their_cause_and_depth(world, now, drain):
    rule = world.rule("talk", "change_fields", {"field_1": "source", "value_1": "x"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    event = Event.objects.get(item=item, kind="field.changed")
    assert (event.cause_kind, event.cause_ref, event.depth) == ("rule", f"run:{world.run_of(rule).pk}", 1)


def test_E44_a_date_beyond_the_calendar_fails_the_run_and_nothing_else(world, now, drain):
    from datetime import date

    timing = {"when": "date", "date_field": "due_date", "amount": 1, "unit": "days", "side": "after"}
    first = world.rule("talk")
    rule = world.rule("talk", timing=timing, after_previous=Rule.After.ENDED)
    item = world.deal()
    # Kept before days had limits; no door writes it any more.
    Item.objects.filter(pk=item.pk).update(due_date=Value(date(9999, 12, 31)))
    world.move(item, "talk")
    drain()
    assert world.run_of(first).status == "done"
    assert world.run_of(rule).status == "failed"


def test_E44_one_failing_job_of_a_batch_leaves_its_neighbours_alone(world, now, drain):
    from crm.models import Submission, WebForm
    from crm.webforms.submissions import store

    form = WebForm.objects.create(name="F", slug="f", pipeline=world.pipeline, heading="h", thanks="t")
    good = [store(form, nonce=f"n{n}", version=1, answers={}, touch={}, address_hash="x") for n in range(3)]
    Submission.objects.filter(pk=good[1].pk).delete()
    drain()
    assert [Submission.objects.get(pk=good[n].pk).status for n in (0, 2)] == ["done", "done"]
    assert Job.objects.filter(status="running").count() == 0


def test_E42_a_person_lets_a_flooded_item_go_on(world, now, drain):
    rule = world.rule("talk")
    item = world.deal()
    Item.objects.filter(pk=item.pk).update(automation_paused_at=now)
    world.move(item, "talk")
    drain()
    assert world.run_of(rule).status == "held"
    assert control.resume_item(Item.objects.get(pk=item.pk), world.bob) == 1
    drain()
    assert world.comments(item) == ["hello"]
