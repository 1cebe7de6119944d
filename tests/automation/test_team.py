"""Who in a team a rule gives work to."""

from __future__ import annotations

from datetime import timedelta

from crm.models import Task, User
from crm.pipelines.rights import Scope


def test_a_task_goes_to_the_least_busy_present_of_a_department_or_role(world, now, drain):
    role = world.role(world.alice, name="Fitters", pipeline=world.pipeline, view=Scope.ALL)
    Task.add(item=world.deal("Alice's"), title="Busy", assignee=world.alice)
    by_department = world.rule("talk", "create_task", {"title": "Fit", "department": str(world.sales.pk)})
    world.rule("papers", "create_task", {"title": "Fit", "role": str(role.pk)})
    card = world.move(world.deal(owner=None), "talk").item
    drain()
    assert Task.objects.order_by("-pk")[0].assignee == world.bob
    world.move(card, "papers")
    drain()
    assert Task.objects.order_by("-pk")[0].assignee == world.alice
    # Alice has a task and is of the same department; Bob is away.
    User.objects.filter(pk=world.bob.pk).update(absent_from=now, absent_until=now + timedelta(days=1))
    world.move(world.deal("Other"), "talk")
    drain()
    assert Task.objects.order_by("-pk")[0].assignee == world.alice
    User.objects.filter(pk=world.alice.pk).update(absent_until=now + timedelta(days=1))
    third = world.move(world.deal("Third"), "talk").item
    drain()
    assert world.run_of(by_department, third).error.code == "task.nobody_present"
