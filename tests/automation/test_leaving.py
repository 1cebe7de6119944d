"""E26 to E30: leaving a stage, what people may do with runs, editing rules."""

from datetime import timedelta

import pytest

from automation.engine import control
from automation.models import Rule, Run
from automation.publishing import doors
from automation.publishing.models import Publication
from crm.ground import clock
from crm.items.models.gate import MoveOptions
from crm.models import Event, Forbidden, Item, ItemType, Job, Message, Pipeline, Refused, Stage, Task

LATER = {"when": "delay", "amount": 1, "unit": "hours"}


@pytest.mark.parametrize("to", ["papers", "new", "won", "lost"])
def test_E26_leaving_the_stage_cancels_runs_that_have_not_started(world, now, drain, to):
    rule = world.rule("talk", timing=LATER)
    item = world.deal()
    world.move(item, "talk")
    world.move(item, to, note="because")
    run = world.run_of(rule)
    assert (run.status, run.error) == ("cancelled", "left the stage")
    with clock.at(now + timedelta(hours=2)):
        drain()
    assert world.comments(item) == []


def test_E26_a_rule_set_to_keep_still_runs_when_due(world, now, drain):
    world.rule("talk", timing=LATER, on_leave=Rule.OnLeave.KEEP)
    item = world.deal()
    world.move(item, "talk")
    world.move(item, "papers")
    with clock.at(now + timedelta(hours=2)):
        drain()
    assert world.comments(item) == ["hello"]


def test_E26_a_message_not_yet_sent_is_cancelled_with_its_run(world, now, drain):
    world.rule("talk", "send_sms", {"text": "hi"})
    item = world.deal()
    world.move(item, "talk")
    # The run writes the message; before its job is claimed, the card is dragged on.
    from automation.engine.worker import RunWorker

    RunWorker().take(50)
    world.move(item, "papers")
    drain()
    assert Message.objects.get(item=item).status == "cancelled"
    assert world.runs(item)[0].status == "cancelled"


def test_E26_the_visit_remembers_what_its_move_cancelled(world, now, drain):
    world.rule("talk", timing=LATER)
    item = world.deal()
    world.move(item, "talk")
    Task.add(item=item, title="Call", assignee=world.bob, visit=Item.objects.get(pk=item.pk).visit, close_on_leave=True)
    visit = world.move(item, "papers").visit
    [run] = world.runs(item)
    assert visit.cancelled["runs"] == [[run.pk, "planned", (now + timedelta(hours=1)).isoformat()]]
    task = Task.objects.get(item=item)
    assert visit.cancelled["tasks"] == [[task.pk, "new"]]
    # Closed because the stage was left: cancelled, and no `task.status` event that triggers could take for done.
    assert task.status == "cancelled"
    assert not Event.objects.filter(kind="task.status").exists()


def test_E27_a_run_already_sending_is_finished(world, now, drain):
    world.rule("talk", "send_sms", {"text": "hi"})
    item = world.deal()
    world.move(item, "talk")
    from automation.engine.worker import RunWorker
    from crm.work.jobs import JobWorker

    RunWorker().take(50)
    worker = JobWorker()
    job = worker._claim_outside()
    assert worker._begin(job)
    world.move(item, "papers")  # while the provider is being talked to
    from crm.work.queue import kind_of

    worker._conclude(job, kind_of(job.kind).perform(job))
    assert Message.objects.get(item=item).status == "sent"
    assert Job.objects.get(pk=job.pk).status == "done"
    assert world.runs(item)[0].status == "done"


def test_E27_a_message_claimed_but_not_begun_is_not_sent_after_the_move(world, now, drain):
    world.rule("talk", "send_sms", {"text": "hi"})
    item = world.deal()
    world.move(item, "talk")
    from automation.engine.worker import RunWorker
    from crm.work.jobs import JobWorker
    from crm.work.leased import LeaseLost

    RunWorker().take(50)
    worker = JobWorker()
    job = worker._claim_outside()
    world.move(item, "papers")
    with pytest.raises(LeaseLost):
        worker._begin(worker._mine(job.pk, job.owner))
    assert Message.objects.get(item=item).status == "cancelled"
    assert world.runs(item)[0].status == "cancelled"


def test_E28_cancel_hold_release_run_now_and_stop_are_events(world, now, drain):
    rules = [world.rule("talk", timing=LATER, settings={"text": str(n)}) for n in range(5)]
    item = world.deal()
    visit = world.move(item, "talk").visit
    runs = [world.run_of(rule) for rule in rules]
    control.cancel(runs[0], world.bob)
    control.hold(runs[1], world.bob)
    control.hold(runs[2], world.bob)
    control.release(runs[2], world.bob)
    control.run_now(runs[3], world.bob)
    drain()
    assert [run.status for run in world.runs(item)] == ["cancelled", "held", "planned", "done", "planned"]
    assert control.stop_all(visit, world.bob) == 3
    assert [run.status for run in world.runs(item)] == ["cancelled", "cancelled", "cancelled", "done", "cancelled"]
    verbs = [e.data("verb") for e in Event.objects.filter(kind="run.changed").order_by("pk")]
    assert verbs[:5] == ["cancelled", "held", "held", "released", "run now"]


def test_E28_somebody_without_rights_may_not(world, now, drain):
    rule = world.rule("talk", timing=LATER)
    world.move(world.deal(), "talk")
    with pytest.raises(Forbidden):
        control.cancel(world.run_of(rule), world.charlie)
    assert world.run_of(rule).status == "planned"


def test_E28_what_has_ended_cannot_be_cancelled(world, now, drain):
    rule = world.rule("talk")
    world.move(world.deal(), "talk")
    drain()
    with pytest.raises(control.NotNow):
        control.cancel(world.run_of(rule), world.bob)


def test_E29_deleting_an_item_cancels_its_runs(world, now, drain):
    world.rule("talk", timing=LATER)
    world.rule("talk", timing=LATER, on_leave=Rule.OnLeave.KEEP)
    item = world.deal()
    world.move(item, "talk")
    Item.objects.get(pk=item.pk).delete_softly(by=world.bob)
    assert {run.status for run in world.runs(item)} == {"cancelled"}
    with clock.at(now + timedelta(hours=2)):
        drain()
    assert world.comments(item) == []
    with pytest.raises(Refused, match="deleted"):
        world.move(item, "papers")


def test_E30_planned_runs_take_the_newest_settings(world, now, drain):
    rule = world.rule("talk", timing=LATER, settings={"text": "old"})
    item = world.deal()
    world.move(item, "talk")
    rule.settings = {"text": "new"}
    rule.timing = {"when": "delay", "amount": 2, "unit": "hours"}
    doors.publish(rule, world.alice, Publication.Origin.ADMIN)
    drain()
    assert world.run_of(rule).due_at == now + timedelta(hours=2)
    with clock.at(now + timedelta(hours=2)):
        drain()
    assert world.comments(item) == ["new"]
    assert world.run_of(rule).taken["settings"] == {"text": "new"}


def test_E30_unless_they_finish_with_the_old_settings(world, now, drain):
    rule = world.rule("talk", timing=LATER, settings={"text": "old"})
    item = world.deal()
    world.move(item, "talk")
    rule.settings = {"text": "new"}
    doors.publish(rule, world.alice, Publication.Origin.ADMIN, pin_planned=True)
    with clock.at(now + timedelta(hours=1)):
        drain()
    assert world.comments(item) == ["old"]


def test_E30_switching_a_rule_off_cancels_its_planned_runs(world, now, drain):
    rule = world.rule("talk", timing=LATER)
    item = world.deal()
    world.move(item, "talk")
    rule.is_enabled = False
    rule.save()
    assert control.cancel_planned(rule, "the rule was switched off") == 1
    assert world.run_of(rule).status == "cancelled"
    with clock.at(now + timedelta(hours=1)):
        drain()
    assert world.comments(item) == []


def test_E30_a_rule_switched_off_between_claim_and_begin_does_not_run(world, now, drain):
    rule = world.rule("talk")
    item = world.deal()
    world.move(item, "talk")
    Rule.objects.filter(pk=rule.pk).update(is_enabled=False)
    drain()
    assert world.comments(item) == []
    assert Run.objects.get(rule=rule).error == "the rule was switched off"


def test_E26_another_pipelines_stage_is_refused_and_cancels_nothing(world, now, drain):
    world.rule("talk", timing=LATER)
    other = Pipeline.objects.create(item_type=ItemType.objects.get(key="deal"), name="Other")
    stage = Stage.objects.create(pipeline=other, name="Foreign", kind="open")
    item = world.deal()
    world.move(item, "talk")
    with pytest.raises(Refused, match="not a stage of this pipeline"):
        Item.objects.get(pk=item.pk).move_to(stage, MoveOptions(by=world.alice))
    assert world.runs(item)[0].status == "planned"


def test_E28_a_rule_released_after_its_turn_came_runs(world, now, drain):
    world.rule("talk")
    second = world.rule("talk", settings={"text": "second"}, after_previous=Rule.After.ENDED)
    item = world.deal()
    world.move(item, "talk")
    control.hold(world.run_of(second), world.bob)
    drain()
    control.release(world.run_of(second), world.bob)
    drain()
    assert world.comments(item) == ["hello", "second"]


def test_E28_stopping_all_starts_nobody(world, now, drain):
    world.rule("talk", timing=LATER)
    world.rule("talk", after_previous=Rule.After.ENDED)
    item = world.deal()
    visit = world.move(item, "talk").visit
    assert control.stop_all(visit, world.bob) == 2
    drain()
    assert world.comments(item) == []


def test_E30_replanning_after_the_previous_rule_counts_from_its_end(world, now, drain):
    world.rule("talk")
    rule = world.rule("talk", after_previous=Rule.After.ENDED, timing={"when": "delay", "amount": 2, "unit": "days"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    with clock.at(now + timedelta(days=1)):
        rule.retry_hours = 20
        doors.publish(rule, world.alice, Publication.Origin.ADMIN)
        drain()
    assert world.run_of(rule).due_at == now + timedelta(days=2)
