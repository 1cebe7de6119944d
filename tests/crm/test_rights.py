"""Roles: action × scope × whose item, against every way to do it, with what the database says afterwards."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.test import Client

from automation.models import Rule
from crm.items.models.gate import MoveOptions
from crm.models import ApiToken, Department, Forbidden, Item, Pipeline, Role, RoleRight, Stage, Task, User
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.pipelines.rights import Scope

# Whose item a scope reaches: the policy, written down by hand.
REACHES = {
    Scope.NONE: set(),
    Scope.OWN: {"own"},
    Scope.DEPARTMENT: {"own", "team"},
    Scope.TREE: {"own", "team", "below"},
    Scope.ALL: {"own", "team", "below", "foreign", "nobody"},
}
WHOSE = ("own", "team", "below", "foreign", "nobody")


@pytest.fixture
def house(world: Any) -> dict[str, Any]:
    """Jan of the sales, a colleague, one of a department below, Charlie of elsewhere; a card of each and of nobody."""
    RoleRight.objects.all().delete()
    Role.took_effect()
    below = Department.objects.create(name="Sales north", parent=world.sales)
    jan = User.objects.create_user("jan@example.com", "pw-jan-long", name="Jan Kowal", department=world.sales)
    north = User.objects.create_user("north@example.com", "pw-north", name="Nina North", department=below)
    owners = {"own": jan, "team": world.bob, "below": north, "foreign": world.charlie, "nobody": None}
    items = {
        whose: Item.create(world.pipeline, f"Card of {whose}", owner=owner, contact=world.contact)
        for whose, owner in owners.items()
    }
    return {"jan": jan, "items": items}


def ways(item: Item, world: Any) -> dict[str, list[tuple[str, str, Any]]]:
    """Each action's addresses, pages and API: method, address, data."""
    pk, talk = item.pk, world.stages["talk"].pk
    return {
        "view": [("get", f"/items/{pk}/", None), ("get", f"/items/{pk}/timeline/", None), ("get", f"/api/v1/items/{pk}", None)],
        "edit": [
            ("post", f"/items/{pk}/edit/", {"title": "Changed", "currency": "PLN", "version": item.version}),
            ("post", f"/items/{pk}/field/title/", {"value": "Changed", "was": f'"{item.title}"'}),
            ("post", f"/items/{pk}/write/note/", {"text": "A note"}),
            ("patch", f"/api/v1/items/{pk}", {"title": "Changed by API"}),
            ("api", "/api/v1/tasks", {"item": pk, "title": "Call"}),
        ],
        "move": [
            ("post", f"/board/{item.pipeline_id}/move/", {"id": pk, "to": talk}),
            ("post", f"/items/{pk}/move/", {"to": talk}),
            ("post", f"/board/{item.pipeline_id}/move-many/", {"id": pk, "to": talk}),
            ("post", f"/board/{item.pipeline_id}/bulk/", {"id": pk, "act": f"move:{talk}", "sure": "1"}),
            ("api", f"/api/v1/items/{pk}/move", {"stage": talk}),
        ],
        "delete": [
            ("post", f"/items/{pk}/delete/", {}),
            ("post", f"/board/{item.pipeline_id}/bulk/", {"id": pk, "act": "delete:", "sure": "1"}),
            ("delete", f"/api/v1/items/{pk}", None),
        ],
    }  # fmt: skip


def send(client: Client, token: str, method: str, url: str, data: Any) -> Any:
    if url.startswith("/api/"):
        call = getattr(client, "post" if method == "api" else method)
        return call(url, data, content_type="application/json", headers={"Authorization": f"Bearer {token}"})
    return getattr(client, method)(url, data or {})


def state(pk: int) -> tuple[Any, ...]:
    row = Item.objects.values_list("stage_id", "title", "version", "deleted_at").get(pk=pk)
    return *row, Task.objects.filter(item=pk).count(), Item.objects.get(pk=pk).events.count()


@pytest.mark.parametrize(("action", "scope"), list(product(("view", "edit", "move", "delete"), Scope)))
def test_every_way_to_do_it_asks_the_same_policy(world, house, client, action, scope):
    world.role(house["jan"], **{name: Scope.ALL for name in ("view", "edit", "move", "delete")} | {action: scope})
    client.force_login(house["jan"])
    _token, secret = ApiToken.make(house["jan"], "t", ["read", "write", "send", "automation"])
    for whose in WHOSE:
        for place in range(len(ways(house["items"][whose], world)[action])):
            item = Item.create(world.pipeline, f"Card {whose} {place}", owner=house["items"][whose].owner)
            method, url, data = ways(item, world)[action][place]
            before = state(item.pk)
            answer = send(client, secret, method, url, data)
            may = whose in REACHES[scope]
            told = f"{action} {scope.label} {whose}: {method} {url} answered {answer.status_code}"
            if action == "view":
                assert (answer.status_code == 200) is may, told
                assert may or answer.status_code == 404, told
            else:
                assert (state(item.pk) != before) is may, told
                # A bulk page goes back to the list and says the refusal there.
                assert may or answer.status_code in (302, 403, 404, 409), told


@pytest.mark.parametrize("scope", list(Scope))
def test_lists_totals_search_and_export_show_what_the_scope_reaches(world, house, client, scope):
    world.role(house["jan"], view=scope)
    client.force_login(house["jan"])
    board = world.pipeline.pk
    wanted = {f"Card of {whose}" for whose in REACHES[scope]}
    urls = [f"/board/{board}/", f"/board/{board}/list/", f"/board/{board}/export.csv", "/search/?q=card"]
    for url in [*urls, f"/board/column/{world.stages['new'].pk}/", f"/contacts/{world.contact.pk}/"]:
        answer = client.get(url)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        shown = {name for name in (f"Card of {whose}" for whose in WHOSE) if name in body.decode()}
        assert shown == (wanted if answer.status_code == 200 else set()), (url, answer.status_code)
        assert (answer.status_code == 200) is (scope > Scope.NONE) or url.startswith("/search"), url
    if scope:
        assert f">{len(wanted)}<" in client.get(f"/board/{board}/totals/").content.decode()
    assert set(Item.objects.visible_to(User.objects.get(pk=house["jan"].pk)).values_list("title", flat=True)) == wanted


def test_nothing_reaches_further_than_view(world, house):
    world.role(house["jan"], view=Scope.OWN, edit=Scope.ALL, move=Scope.ALL)
    with pytest.raises(Forbidden):
        house["items"]["team"].move_to(world.stages["talk"], MoveOptions(by=house["jan"]))
    assert house["items"]["own"].move_to(world.stages["talk"], MoveOptions(by=house["jan"]))


def test_an_observer_sees_a_card_of_others_and_cannot_change_it(world, house):
    world.role(house["jan"], view=Scope.OWN)
    item = house["items"]["foreign"]
    item.observers.add(house["jan"])
    jan = User.objects.get(pk=house["jan"].pk)
    assert item in Item.objects.visible_to(jan)
    with pytest.raises(Forbidden):
        item.change({"title": "Mine now"}, by=jan)


def test_roles_add_up(world, house):
    world.role(house["jan"], view=Scope.OWN, move=Scope.NONE)
    machine = machine_of(world.pipeline.pk)
    assert rights.scope_of(house["jan"], machine, "move") == Scope.NONE
    world.role(house["jan"], view=Scope.DEPARTMENT, move=Scope.DEPARTMENT)
    assert rights.scope_of(house["jan"], machine_of(world.pipeline.pk), "move") == Scope.DEPARTMENT


def test_a_pipeline_that_no_role_names_is_open_but_not_set_up(world, house):
    machine = machine_of(world.pipeline.pk)
    assert rights.allowed(house["jan"], machine, house["items"]["foreign"]) == set(rights.ACTIONS) - {"configure"}


def test_without_the_right_to_add_there_is_no_button_and_no_card(world, house, client):
    world.role(house["jan"], add=Scope.NONE, export=Scope.NONE)
    client.force_login(house["jan"])
    board = world.pipeline.pk
    assert "data-new " not in client.get(f"/board/{board}/").content.decode()
    answer = client.post(f"/board/{board}/new/", {"title": "Sneaked in", "stage": world.stages["new"].pk})
    assert answer.status_code == 422
    assert "may not add" in answer.content.decode()
    assert client.get(f"/board/{board}/export.csv").status_code == 403
    assert not Item.objects.filter(title="Sneaked in").exists()


def test_who_may_only_look_gets_a_card_without_buttons(world, house, client):
    world.role(house["jan"], edit=Scope.NONE, move=Scope.NONE, delete=Scope.NONE)
    client.force_login(house["jan"])
    page = client.get(f"/items/{house['items']['own'].pk}/").content.decode()
    for part in ("card-delete", "composer-tabs", "inline-edit", "event-pin", "/edit/"):
        assert part not in page, part
    assert "disabled" in page


def test_a_rule_cannot_do_what_its_publisher_may_not(world, house, drain):
    """E40: the deputy has the rights of whom it acts for."""
    world.role(world.bob, edit=Scope.OWN)
    rule = world.rule("talk", "change_fields", {"field_1": "source", "value_1": "rule"}, publisher=world.bob)
    for whose, worked in (("team", True), ("foreign", False)):
        item = house["items"][whose]
        item.move_to(world.stages["talk"], MoveOptions(by=world.alice))
        drain()
        run = world.run_of(rule, item)
        assert (run.status == "done") is worked, (whose, run.status, run.error)
    assert "may not change this card" in run.error


def test_an_administrator_reads_why_somebody_may(world, house, client):
    world.role(house["jan"], name="Sellers", move=Scope.OWN)
    client.force_login(world.alice)
    page = client.get(f"/items/{house['items']['team'].pk}/rights/?user={house['jan'].pk}").content.decode()
    assert "Sellers: own" in page
    assert "Sellers: all" in page
    client.force_login(house["jan"])
    assert client.get(f"/items/{house['items']['team'].pk}/rights/").status_code == 403


def test_who_sees_a_card_is_asked_once_for_everybody(world, house, client, django_assert_max_num_queries):
    people = [User.objects.create(email=f"p{number}@example.com", name=f"Person {number}") for number in range(60)]
    world.role(*people, view=Scope.OWN)
    item = house["items"]["team"]
    item.observers.add(*people[::2])
    client.force_login(world.alice)
    with django_assert_max_num_queries(30):
        page = client.get(f"/items/{item.pk}/rights/").content.decode()
    assert ">Person 2</a>" in page
    assert ">Person 3</a>" not in page


def test_a_role_that_configures_opens_the_set_up_of_its_pipeline_alone(world, house, client):
    jan = house["jan"]
    User.objects.filter(pk=jan.pk).update(is_staff=True)
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Other", order=3)
    foreign = Stage.objects.create(pipeline=other, name="Theirs")
    client.force_login(jan)
    assert client.get("/admin/crm/pipeline/").status_code == 403
    world.role(jan, configure=Scope.ALL)
    assert client.get(f"/admin/crm/pipeline/{world.pipeline.pk}/change/").status_code == 200
    assert client.get(f"/admin/crm/pipeline/{other.pk}/change/").status_code == 302
    new = "/admin/automation/rule/add/?kind=add_comment&stage="
    assert client.get(f"{new}{world.stages['new'].pk}").status_code == 200
    assert client.get(f"{new}{foreign.pk}").status_code == 404
    rule = world.rule("new")
    hidden = Rule.objects.create(
        stage=foreign, key="x", name="Hidden", action="add_comment", settings={}, publisher=jan
    )
    assert client.get(f"/admin/automation/rule/{rule.pk}/change/").status_code == 200
    assert client.get(f"/admin/automation/rule/{hidden.pk}/change/").status_code == 302
    assert client.get("/admin/crm/user/").status_code == 403


def test_staff_without_rights_find_no_messages_runs_or_deliveries_in_the_administration(world, house, client):
    User.objects.filter(pk=house["jan"].pk).update(is_staff=True)
    world.role(house["jan"], configure=Scope.ALL)
    client.force_login(house["jan"])
    for path in (
        "crm/message",
        "automation/run",
        "crm/webhookdelivery",
        "crm/submission",
        "crm/event",
        "auditlog/logentry",
    ):
        assert client.get(f"/admin/{path}/").status_code == 403, path


def test_a_move_brings_only_fields_that_the_stage_asks_for(world, house, client):
    world.role(house["jan"], move=Scope.ALL, edit=Scope.NONE)
    _row, text = ApiToken.make(house["jan"], "t", ["read", "write"])
    item = house["items"]["team"]
    stage = world.stages["talk"]
    stage.needed_to_enter = ["source"]
    stage.save()
    headers = {"Authorization": f"Bearer {text}"}
    body = {"stage": stage.pk, "fields": {"source": "fair", "title": "Mine now"}}
    answer = client.post(f"/api/v1/items/{item.pk}/move", body, content_type="application/json", headers=headers)
    assert answer.status_code == 403
    body["fields"].pop("title")
    answer = client.post(f"/api/v1/items/{item.pk}/move", body, content_type="application/json", headers=headers)
    assert answer.status_code == 200


def test_roles_deleted_from_the_list_are_gone_at_once(world, house, client):
    role = world.role(house["jan"])
    other = world.role(world.bob)
    assert rights.sees(house["jan"], machine_of(world.pipeline.pk))
    client.force_login(world.alice)
    client.post("/admin/crm/role/", {"action": "delete_selected", "_selected_action": [role.pk], "post": "yes"})
    assert not rights.sees(house["jan"], machine_of(world.pipeline.pk))
    assert other


def test_a_refused_move_names_no_card_that_one_does_not_see(world, house, client):
    world.role(house["jan"], view=Scope.OWN)
    client.force_login(house["jan"])
    hidden = house["items"]["foreign"]
    data = {"id": hidden.pk, "to": world.stages["lost"].pk, "asked": "lost_reason"}
    answer = client.post(f"/board/{world.pipeline.pk}/move/", data)
    assert hidden.title not in answer.content.decode()


def test_a_trigger_of_a_publisher_who_has_left_moves_nothing(world, drain):
    from crm.events.record import record

    world.trigger("talk", publisher=world.alice)
    item = world.deal()
    machine_of(world.pipeline.pk)
    record("guest.knocked", item=item, payload={"times": 2})
    User.objects.filter(pk=world.alice.pk).update(is_active=False)
    drain()
    assert Item.objects.get(pk=item.pk).stage.name == "New"


def test_who_sets_a_pipeline_up_does_not_choose_whose_rights_automation_falls_back_to(world, house, client):
    User.objects.filter(pk=house["jan"].pk).update(is_staff=True)
    world.role(house["jan"], configure=Scope.ALL)
    client.force_login(house["jan"])
    page = client.get(f"/admin/crm/pipeline/{world.pipeline.pk}/change/")
    assert "automation_owner" not in page.context["adminform"].form.fields


def test_moving_without_rules_is_for_who_sets_this_pipeline_up(world, house, client, drain):
    world.rule("talk")
    User.objects.filter(pk=house["jan"].pk).update(is_staff=True)
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Other", order=3)
    world.role(house["jan"])
    world.role(house["jan"], pipeline=other, configure=Scope.ALL)
    client.force_login(house["jan"])
    item = house["items"]["own"]
    data = {"id": item.pk, "act": f"move:{world.stages['talk'].pk}", "sure": "1", "rules": "0"}
    client.post(f"/board/{world.pipeline.pk}/bulk/", data)
    drain()
    assert world.comments(item) == ["hello"]
