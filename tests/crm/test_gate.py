"""The gate: one door, the same answers for every caller."""

import threading
from datetime import date

import pytest
from django.db import connection

from crm.items.models.gate import MoveOptions
from crm.models import (
    BoardVersion,
    Department,
    Event,
    Forbidden,
    Gone,
    Item,
    LostReason,
    NeedsInput,
    Refused,
    Stage,
    StageTransition,
    StageVisit,
    Stale,
)
from tests.conftest import build_world


def test_the_stage_cannot_be_set_past_the_gate(world):
    item = world.deal()
    with pytest.raises(AttributeError, match="move_to"):
        item.stage = world.stages["talk"]
    with pytest.raises(AttributeError, match="move_to"):
        item.stage_id = world.stages["talk"].pk
    with pytest.raises(AttributeError):
        item.change({"stage": world.stages["talk"]}, by=world.bob)
    item.refresh_from_db()
    assert item.stage == world.stages["new"]


def test_a_move_writes_visit_event_and_board_version(world, now):
    item = world.deal()
    version = BoardVersion.objects.get(pipeline=world.pipeline).version
    moved = world.move(item, "talk")
    first, second = StageVisit.objects.filter(item=item).order_by("pk")
    assert (first.left_at, second.left_at, moved.visit) == (now, None, second)
    assert Event.objects.get(item=item, kind="stage.entered").data("from_name") == "New"
    assert BoardVersion.objects.get(pipeline=world.pipeline).version > version
    assert moved.item.version == item.version + 1


def test_a_stale_version_is_refused_and_says_who_and_where(world):
    item = world.deal()
    world.move(item, "talk", by=world.alice)
    with pytest.raises(Stale, match=r"Talk.*Alice Head") as refused:
        world.move(item, "papers", version=item.version)
    assert refused.value.status == 409
    assert refused.value.item.stage == world.stages["talk"]


def test_the_same_key_twice_is_one_move(world):
    item = world.deal()
    first = world.move(item, "talk", key="drop-1", version=item.version)
    again = world.move(item, "talk", key="drop-1", version=item.version)
    assert (again.repeated, again.visit) == (True, first.visit)
    assert StageVisit.objects.filter(item=item).count() == 2


def test_a_late_repeat_of_a_move_does_not_move_back(world):
    item = world.deal()
    world.move(item, "talk", key="drop-1")
    world.move(item, "papers")
    again = world.move(item, "talk", key="drop-1")
    assert again.repeated
    assert Item.objects.get(pk=item.pk).stage == world.stages["papers"]


def test_missing_fields_ask_and_filling_them_makes_the_move(world):
    papers = world.stages["papers"]
    papers.needed_to_enter = ["amount", "due_date"]
    papers.save()
    item = world.deal(amount=None)
    with pytest.raises(NeedsInput) as refused:
        world.move(item, "papers")
    assert (refused.value.status, refused.value.missing) == (422, ["amount", "due_date"])
    world.move(item, "papers", fields={"amount": 5, "due_date": date(2026, 12, 1)})
    fresh = Item.objects.get(pk=item.pk)
    assert (fresh.stage, fresh.amount, fresh.due_date) == (papers, 5, date(2026, 12, 1))
    assert fresh.base_amount == 5


def test_fields_needed_to_leave_are_asked_for_but_not_when_it_is_lost(world):
    new = world.stages["new"]
    new.needed_to_leave = ["source"]
    new.save()
    item = world.deal()
    with pytest.raises(NeedsInput):
        world.move(item, "talk")
    world.move(item, "lost", note="x")


def test_a_refused_move_leaves_nothing_half_done(world):
    item = world.deal()
    world.stages["papers"].needed_to_enter = ["company"]
    world.stages["papers"].save()
    before = (Event.objects.count(), StageVisit.objects.count())
    with pytest.raises(NeedsInput):
        world.move(item, "papers", fields={"amount": 77})
    assert (Event.objects.count(), StageVisit.objects.count()) == before
    assert Item.objects.get(pk=item.pk).amount is None


def test_a_person_must_say_why_it_was_lost(world):
    item = world.deal()
    with pytest.raises(NeedsInput) as refused:
        world.move(item, "lost")
    assert refused.value.needs_reason
    world.move(item, "lost", reason=LostReason.objects.get())
    assert Item.objects.get(pk=item.pk).lost_reason.name == "Too expensive"
    world.move(item, "talk")
    assert Item.objects.get(pk=item.pk).lost_reason is None


def test_forbidden_transitions_skipping_and_going_back(world):
    item = world.deal()
    StageTransition.objects.create(pipeline=world.pipeline, source=world.stages["new"], target=world.stages["talk"])
    with pytest.raises(Forbidden, match="not allowed"):
        world.move(item, "papers")
    StageTransition.objects.get().delete()
    world.pipeline.may_skip = world.pipeline.may_go_back = False
    world.pipeline.save()
    with pytest.raises(Forbidden, match="Talk comes next"):
        world.move(item, "papers")
    world.move(item, "talk")
    with pytest.raises(Forbidden, match="do not go back"):
        world.move(item, "new")
    world.move(item, "lost", note="always possible")


def test_charlie_may_neither_move_nor_create_nor_edit(world):
    item = world.deal()
    for attempt in (
        lambda: world.move(item, "talk", by=world.charlie),
        lambda: world.deal(by=world.charlie),
        lambda: item.change({"title": "mine"}, by=world.charlie),
        lambda: item.delete_softly(by=world.charlie),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert not Item.objects.visible_to(world.charlie).exists()


def test_a_stage_may_be_entered_by_some_departments_only(world):
    world.stages["pay"].entered_by.add(Department.objects.create(name="Books"))
    world.pipeline.touch_machine()
    item = world.deal()
    with pytest.raises(Forbidden, match="Your department"):
        world.move(item, "pay")
    world.move(item, "pay", by=world.alice)


def test_a_deleted_item_is_gone(world):
    item = world.deal()
    Item.objects.get(pk=item.pk).delete_softly(by=world.bob)
    with pytest.raises(Gone):
        world.move(item, "talk")


def test_a_stage_added_later_is_known_at_once(world):
    item = world.deal()
    world.move(item, "talk")
    world.stages["extra"] = Stage.objects.create(pipeline=world.pipeline, name="Extra", order=9)
    world.move(item, "extra")


def test_a_retired_stage_is_no_target(world):
    world.stages["pay"].retired = True
    world.stages["pay"].save()
    with pytest.raises(Refused, match="not a stage"):
        world.move(world.deal(), "pay")


def test_ranks_put_a_card_before_another_and_survive_spent_gaps(world):
    a, b, c = (world.deal(title) for title in "abc")
    world.move(a, "new", before=b.pk)
    for n in range(60):
        world.move(a if n % 2 else c, "new", before=b.pk)
    order = list(Item.objects.filter(stage=world.stages["new"]).order_by("rank", "-pk").values_list("title", flat=True))
    assert order.index("b") == order.index("a") + 1
    world.move(a, "new", before=999_999)
    assert Item.objects.filter(stage=world.stages["new"]).order_by("rank").last() == a


@pytest.mark.django_db(transaction=True)
def test_two_people_drag_one_card_at_once_and_one_wins():
    world = build_world()
    for round_number in range(10):
        item = world.deal()
        barrier = threading.Barrier(2)
        outcomes = []

        def drag(stage, by, item=item, barrier=barrier, outcomes=outcomes):
            try:
                mine = Item.objects.get(pk=item.pk)
                barrier.wait(10)
                mine.move_to(world.stages[stage], MoveOptions(by=by, version=item.version))
                outcomes.append("won")
            except Stale:
                outcomes.append("stale")
            finally:
                connection.close()

        threads = [threading.Thread(target=drag, args=args) for args in (("talk", world.alice), ("papers", world.bob))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) == ["stale", "won"], round_number
        visits = StageVisit.objects.filter(item=item)
        assert visits.count() == 2
        assert visits.filter(left_at__isnull=True).count() == 1


def test_a_move_onto_five_rules_costs_at_most_twelve_queries(world, django_assert_max_num_queries):
    for _ in range(5):
        world.rule("talk")
    world.move(world.deal(), "talk")  # compiles the machine
    item = Item.objects.get(pk=world.deal().pk)
    with django_assert_max_num_queries(12 + 2) as captured:  # two savepoint statements of the test's own transaction
        item.move_to(world.stages["talk"], MoveOptions(by=world.bob, version=item.version, key="k"))
    assert len([q for q in captured if "SAVEPOINT" not in q["sql"]]) <= 12


def test_a_field_changed_by_a_rule_does_not_make_a_drag_stale_but_a_move_does(world):
    item = world.deal()
    seen = item.visit_id
    item.change({"source": "by a rule"}, by=world.alice)
    world.move(item, "talk", seen=seen)
    with pytest.raises(Stale):
        world.move(item, "papers", seen=seen)
