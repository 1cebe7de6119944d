"""Filters, saved views, the list with its bulk actions, moves of several cards, export."""

from datetime import timedelta

import pytest
from django.http import QueryDict

from crm.ground import clock
from crm.ground.tables import harmless
from crm.items.filters import BadFilter, ItemFilter
from crm.models import CustomField, Item, Pipeline, SavedView, Stage, Tag, Task


@pytest.fixture
def bob(world, client):
    client.force_login(world.bob)
    return client


def titles(world, query, user=None):
    shown = ItemFilter.read(QueryDict(query), world.pipeline)
    return sorted(item.title for item in shown.apply(Item.objects.alive(), user or world.bob))


def test_each_filter_narrows_as_it_says(world, now):
    CustomField.objects.create(target="item", key="wood", label="Wood", type="list", options="oak\nash")
    old = world.deal("Old", custom={"wood": "oak"})
    Item.objects.filter(pk=old.pk).update(stage_entered_at=now - timedelta(days=9))
    mine = world.deal("Łóżko", owner=world.alice)
    mine.tags.add(Tag.objects.create(name="VIP"))
    Task.add(item=mine, title="Call", deadline=now - timedelta(hours=1))
    Task.add(item=old, title="Call", deadline=now + timedelta(days=2))
    nobody = world.deal("Nobody", owner=None)
    Item.objects.filter(pk=nobody.pk).update(owner=None)
    with clock.at(now):
        assert titles(world, "q=lozko") == ["Łóżko"]
        assert titles(world, "owner=me") == ["Old"]
        assert titles(world, f"owner={world.alice.pk}") == ["Łóżko"]
        assert titles(world, "owner=none") == ["Nobody"]
        assert titles(world, "age=7") == ["Old"]
        assert titles(world, "activity=late") == ["Łóżko"]
        assert titles(world, "activity=later") == ["Old"]
        assert titles(world, "activity=none") == ["Nobody"]
        assert titles(world, f"tag={Tag.objects.get().pk}") == ["Łóżko"]
        assert titles(world, "c.wood=oak") == ["Old"]
        assert titles(world, "c.wood=ash&owner=me") == []


@pytest.mark.parametrize(
    "query",
    ["colour=red", "owner=bob", "age=-1", "age=x", "sort=id", "activity=soon", "c.nothing=1", "sort=title;drop"],
)
def test_an_unknown_filter_or_sort_is_400_and_named(world, bob, query):
    name = query.split("=")[0]
    with pytest.raises(BadFilter) as caught:
        ItemFilter.read(QueryDict(query), world.pipeline)
    assert caught.value.name == name
    answer = bob.get(f"/board/{world.pipeline.pk}/?{query}")
    assert answer.status_code == 400
    assert query.split("=")[1].split(";")[0] in answer.content.decode() or name in answer.content.decode()


@pytest.mark.parametrize("sort", ["", "attention", "active", "amount", "age", "newest", "title"])
def test_every_order_works_on_board_and_list(world, bob, sort):
    world.deal("Stół", amount=5)
    for page in ("", "list/"):
        assert "Stół" in bob.get(f"/board/{world.pipeline.pk}/{page}?sort={sort}").content.decode()


def test_a_filter_survives_its_own_address(world):
    query = QueryDict("q=st%C3%B3%C5%82&owner=me&age=3&sort=amount")
    shown = ItemFilter.read(query, world.pipeline)
    assert ItemFilter.read(QueryDict(shown.query), world.pipeline) == shown


@pytest.mark.parametrize("query", ["q=x", "owner=me", "age=0", "tag=1", "activity=late"])
def test_every_filter_alone_can_be_cleared_and_an_order_is_none(world, bob, query):
    assert ItemFilter.read(QueryDict(query), world.pipeline).narrows
    assert not ItemFilter.read(QueryDict("sort=amount"), world.pipeline).narrows
    assert "Nothing here matches the filter." in bob.get(f"/board/{world.pipeline.pk}/?{query}").content.decode()


def test_a_view_is_kept_shown_to_its_owner_and_shared_on_wish(world, bob, client):
    url = f"/board/{world.pipeline.pk}"
    bob.post(f"{url}/views/?owner=me&sort=amount", {"name": "Mine", "layout": "list"})
    view = SavedView.objects.get()
    assert (view.query, view.layout, view.shared) == ("owner=me&sort=amount", "list", False)
    assert "Mine" in bob.get(f"{url}/filter/").content.decode()
    client.force_login(world.alice)
    assert "Mine" not in client.get(f"{url}/filter/").content.decode()
    SavedView.objects.update(shared=True)
    assert "Mine" in client.get(f"{url}/filter/").content.decode()


def test_a_view_of_somebody_else_is_not_ours_to_delete(world, bob):
    view = SavedView.objects.create(owner=world.alice, pipeline=world.pipeline, name="Hers", shared=True)
    assert bob.post(f"/views/{view.pk}/delete/").status_code == 404
    assert SavedView.objects.exists()


def test_bulk_moves_ask_first_and_then_pass_the_gate_one_by_one(world, bob, drain):
    world.rule("talk", name="Call them")
    items = [world.deal(f"Deal {n}") for n in range(3)]
    data = {"id": [item.pk for item in items], "act": f"move:{world.stages['talk'].pk}"}
    page = bob.post(f"/board/{world.pipeline.pk}/bulk/", data).content.decode()
    assert "Move 3 cards to Talk?" in page
    assert "Call them" in page
    assert not Item.objects.filter(stage=world.stages["talk"]).exists()
    bob.post(f"/board/{world.pipeline.pk}/bulk/", data | {"sure": "1"})
    drain()
    assert Item.objects.filter(stage=world.stages["talk"]).count() == 3
    assert world.comments(items[0]) == ["hello"]


def test_only_those_who_set_rules_up_may_move_without_them(world, bob, client, drain):
    world.rule("talk")
    first, second = world.deal("First"), world.deal("Second")
    data = {"act": f"move:{world.stages['talk'].pk}", "sure": "1", "rules": "0"}
    bob.post(f"/board/{world.pipeline.pk}/bulk/", data | {"id": first.pk})
    client.force_login(world.alice)
    client.post(f"/board/{world.pipeline.pk}/bulk/", data | {"id": second.pk})
    drain()
    assert (len(world.runs(first)), len(world.runs(second))) == (1, 0)


def test_several_cards_move_together_and_one_undo_takes_them_back(world, bob):
    items = [world.deal(f"Deal {n}") for n in range(3)]
    data = {"id": [item.pk for item in items], "to": world.stages["talk"].pk, "v": 0}
    page = bob.post(f"/board/{world.pipeline.pk}/move-many/", data).content.decode()
    assert "3 cards moved to Talk" in page
    visits = [Item.objects.get(pk=item.pk).visit_id for item in items]
    assert "3 moves were taken back" in bob.post("/moves/undo/", {"visit": visits}).content.decode()
    assert Item.objects.filter(stage=world.stages["new"]).count() == 3


def test_undo_of_a_foreign_card_is_404(world, client, now):
    item = world.deal()
    visit = world.move(item, "talk", undoable=True).visit
    client.force_login(world.charlie)
    for verb in ("undo", "send-now", "tidy"):
        assert client.post(f"/moves/{verb}/", {"visit": visit.pk}).status_code == 404


def test_a_card_goes_to_another_pipeline_of_its_type_and_rules_start_there(world, bob, drain):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Repairs", order=2)
    stage = Stage.objects.create(pipeline=other, name="Came in")
    Stage.objects.create(pipeline=other, name="Done", kind="won", order=1)
    world.stages["repairs"] = stage
    world.rule("repairs")
    item = world.deal()
    assert "Came in" in bob.get(f"/items/{item.pk}/transfer/").content.decode()
    assert bob.post(f"/items/{item.pk}/transfer/", {"to": stage.pk}).status_code == 204
    drain()
    item = Item.objects.get(pk=item.pk)
    assert (item.pipeline, item.stage) == (other, stage)
    assert world.comments(item) == ["hello"]


def test_a_card_does_not_go_where_its_person_may_not(world, bob):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Secret", order=2)
    world.role(world.charlie, pipeline=other)
    stage = Stage.objects.create(pipeline=other, name="Inside")
    item = world.deal()
    assert "Inside" not in bob.get(f"/items/{item.pk}/transfer/").content.decode()
    assert bob.post(f"/items/{item.pk}/transfer/", {"to": stage.pk}).status_code == 422
    assert Item.objects.get(pk=item.pk).pipeline == world.pipeline


def test_the_export_holds_what_the_filter_shows(world, bob):
    world.deal("=HYPERLINK(1)", amount=12)
    world.deal("Other")
    answer = bob.get(f"/board/{world.pipeline.pk}/export.csv?q=hyper")
    text = b"".join(answer.streaming_content).decode()
    assert "'=HYPERLINK(1)" in text
    assert "Other" not in text
    assert "+84912345678" in text


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("  @SUM(A1)", "'  @SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\x01=1", "'\x01=1"),
        ("\u3000=1", "'\u3000=1"),
        ("\u200e=1", "'\u200e=1"),
        ("-12.50", "-12.50"),
        ("+48601234567", "+48601234567"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("Stół", "Stół"),
        (None, ""),
    ],
)
def test_no_cell_becomes_a_formula(cell, written):
    assert harmless(cell) == written
