"""E54: a person's move on board or card can be taken back, as if it had not been."""

from datetime import timedelta

import pytest

from automation.models import Rule
from crm.ground import clock
from crm.items.models import undo as undoing
from crm.items.models.gate import MoveOptions
from crm.models import Event, Item, Job, Message, StageVisit, Task

LATER = {"when": "delay", "amount": 1, "unit": "hours"}


def test_E54_undo_puts_the_card_back_and_revives_what_its_move_had_cancelled(world, now, drain):
    rule = world.rule("talk", timing=LATER)
    item = world.deal()
    world.move(item, "talk")
    task = Task.add(
        item=item, title="Call", visit=Item.objects.get(pk=item.pk).visit, close_on_leave=True, deadline=now
    )
    former = Item.objects.get(pk=item.pk)
    visit = world.move(item, "papers", undoable=True).visit
    assert world.run_of(rule).status == "cancelled"

    undoing.undo(visit, by=world.bob)

    item = Item.objects.get(pk=item.pk)
    assert (item.stage, item.visit_id, item.stage_entered_at) == (
        world.stages["talk"],
        former.visit_id,
        former.stage_entered_at,
    )
    run = world.run_of(rule)
    assert (run.status, run.due_at, run.error) == ("planned", now + timedelta(hours=1), "")
    assert Task.objects.get(pk=task.pk).status == "new"
    assert item.next_activity_at == now
    assert StageVisit.objects.get(pk=visit.pk).undone
    with clock.at(now + timedelta(hours=2)):
        drain()
    assert world.comments(item) == ["hello"]


def test_E54_runs_of_the_undone_stage_are_cancelled_and_no_rule_starts(world, now, drain):
    first = world.rule("talk")
    rule = world.rule("papers", timing=LATER)
    item = world.deal(stage="talk")
    drain()
    visit = world.move(item, "papers", undoable=True).visit
    undoing.undo(visit, by=world.bob)
    with clock.at(now + timedelta(hours=2)):
        drain()
    assert world.run_of(rule).error == "the move was taken back"
    assert [run.rule_id for run in world.runs(item) if run.status == "done"] == [first.pk]


def test_E54_messages_wait_out_the_window_and_die_with_an_undo(world, now, drain):
    world.rule("talk", "send_sms", {"text": "hi"})
    item = world.deal()
    visit = world.move(item, "talk", undoable=True).visit
    drain()
    message = Message.objects.get(item=item)
    assert (message.status, message.job.due_at) == ("planned", now + timedelta(seconds=10))
    undoing.undo(visit, by=world.bob)
    with clock.at(now + timedelta(minutes=5)):
        drain()
    assert Message.objects.get(item=item).status == "cancelled"


def test_E54_a_message_that_its_move_had_cancelled_is_sent_after_an_undo(world, now, drain):
    world.rule("talk", "send_sms", {"text": "hi"})
    item = world.deal()
    world.move(item, "talk", undoable=True)
    from automation.engine.worker import RunWorker

    RunWorker().take(50)
    visit = world.move(item, "papers", undoable=True).visit
    assert Message.objects.get(item=item).status == "cancelled"
    undoing.undo(visit, by=world.bob)
    with clock.at(now + timedelta(minutes=1)):
        drain()
    assert Message.objects.get(item=item).status == "sent"
    assert world.runs(item)[0].status == "done"


def test_E54_send_now_ends_the_window(world, now, drain):
    world.rule("talk", "send_sms", {"text": "hi"})
    item = world.deal()
    visit = world.move(item, "talk", undoable=True).visit
    drain()
    assert undoing.send_now(visit, by=world.bob) == 1
    drain()
    assert Message.objects.get(item=item).status == "sent"
    with pytest.raises(undoing.TooLate, match="over"):
        undoing.undo(visit, by=world.bob)


@pytest.mark.parametrize("case", ["time is over", "moved on", "somebody else"])
def test_E54_an_undo_too_late_is_refused_in_words(world, now, case):
    item = world.deal()
    visit = world.move(item, "talk", undoable=True).visit
    by, at = world.bob, now
    if case == "time is over":
        at = now + timedelta(seconds=11)
    elif case == "moved on":
        world.move(item, "papers")
    else:
        by = world.alice
    with clock.at(at), pytest.raises(undoing.TooLate):
        undoing.undo(visit, by=by)
    assert not StageVisit.objects.filter(undone=True).exists()


def test_E54_a_message_under_way_cannot_be_undone(world, now, drain):
    world.rule("talk", "send_sms", {"text": "hi"})
    item = world.deal()
    visit = world.move(item, "talk", undoable=True).visit
    drain()
    Job.objects.filter(visit=visit).update(status="sending")
    with pytest.raises(undoing.TooLate, match="sent already"):
        undoing.undo(visit, by=world.bob)


def test_E54_fields_of_the_dialog_are_put_back_where_nobody_changed_them_since(world, now):
    item = world.deal(amount=100, source="shop")
    visit = world.move(
        item, "talk", undoable=True, fields={"amount": 250, "source": "fair", "owner": world.alice}
    ).visit
    Item.objects.get(pk=item.pk).change({"source": "phone"}, by=world.bob)
    undoing.undo(visit, by=world.bob)
    item = Item.objects.get(pk=item.pk)
    assert (item.amount, item.source, item.owner) == (100, "phone", world.bob)


def test_E54_forms_triggers_and_the_api_have_no_window(world, now):
    item = world.deal()
    assert world.move(item, "talk").visit.undo_until is None


def test_E54_what_rules_did_inside_is_offered_for_removal(world, now, drain):
    world.rule("talk", "create_task", {"title": "Measure"})
    world.rule("talk")
    item = world.deal()
    visit = world.move(item, "talk", undoable=True).visit
    drain()
    undoing.undo(visit, by=world.bob)
    left = undoing.left_behind(visit)
    assert [len(rows) for rows in left.values()] == [1, 1]
    assert undoing.remove_left_behind(visit, by=world.bob) == 2
    assert Task.objects.get(item=item).status == "cancelled"
    assert world.comments(item) == []


def test_a_wish_to_move_without_rules_starts_none_and_the_event_says_so(world, now, drain):
    world.rule("talk")
    item = world.deal()
    world.move(item, "talk", start_rules=False)
    drain()
    assert world.runs(item) == []
    assert Event.objects.get(item=item, kind="stage.entered").data("without_rules") is True


def test_E26_a_kept_rule_that_waits_for_a_task_hears_that_leaving_cancelled_it(world, now, drain):
    rule = world.rule("talk", timing=LATER, on_leave=Rule.OnLeave.KEEP)
    item = world.deal()
    world.move(item, "talk")
    visit = world.move(item, "papers", undoable=True).visit
    assert world.run_of(rule).status == "planned"
    undoing.undo(visit, by=world.bob)
    assert world.run_of(rule).status == "planned"


def test_E54_a_claimed_run_that_the_move_ended_is_planned_again(world, now, drain):
    from automation.models import Run

    first = world.rule("talk", key="first")
    second = world.rule("talk", after_previous="done")
    item = world.deal()
    world.move(item, "talk")
    claimed = Run.objects.filter(rule=first).claim(1)
    assert len(claimed) == 1
    visit = world.move(item, "papers", undoable=True).visit
    assert world.run_of(first).status == "cancelled"
    undoing.undo(visit, by=world.bob)
    drain()
    assert [world.run_of(rule).status for rule in (first, second)] == ["done", "done"]


def test_E54_a_chain_whose_first_rule_ended_meanwhile_goes_on(world, now, drain):
    from automation.engine.worker import RunWorker

    sms = world.rule("talk", "send_sms", {"text": "hi"})
    then = world.rule("talk", after_previous="done")
    item = world.deal()
    world.move(item, "talk")
    RunWorker().take(50)
    Job.objects.filter(kind="send_message").update(status="sending", owner="x:1:y", attempts=0)
    visit = world.move(item, "papers", undoable=True).visit
    assert (world.run_of(sms).status, world.run_of(then).status) == ("waiting", "cancelled")
    Job.objects.filter(kind="send_message").update(status="planned", owner="", due_at=now)
    drain()
    assert world.run_of(sms).status == "done"
    undoing.undo(visit, by=world.bob)
    drain()
    assert world.run_of(then).status == "done"


def test_E54_a_wait_whose_task_ended_meanwhile_is_woken(world, now, drain):
    from automation.models import Run

    rule = world.rule("talk", timing=LATER)
    item = world.deal()
    world.move(item, "talk")
    task = Task.add(item=item, title="Sign")
    Run.objects.filter(rule=rule).update(status="waiting", wait_on=f"task:{task.pk}")
    visit = world.move(item, "papers", undoable=True).visit
    task.set_status("done", by=world.bob)
    undoing.undo(visit, by=world.bob)
    assert world.run_of(rule).status == "done"


def test_E54_a_former_stage_that_is_gone_cannot_be_returned_to(world, now):
    item = world.deal(stage="talk")
    visit = world.move(item, "papers", undoable=True).visit
    world.stages["talk"].retired = True
    world.stages["talk"].save()
    with pytest.raises(undoing.TooLate, match="does not exist any more"):
        undoing.undo(visit, by=world.bob)


def test_the_card_says_how_long_a_message_is_held(world, now, client, drain):
    world.rule("talk", "send_sms", {"text": "hello", "to": "contact"})
    item = world.deal()
    Item.objects.get(pk=item.pk).move_to(world.stages["talk"], MoveOptions(by=world.bob, undoable=True))
    drain()
    client.force_login(world.bob)
    assert "Will be sent in 10 s." in client.get(f"/items/{item.pk}/").content.decode()
