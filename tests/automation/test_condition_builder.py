"""The builder of conditions: groups of any depth, another field as value, how many cards meet it now."""

import json
from decimal import Decimal

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from automation import condition_count, condition_shape
from automation.condition_form import ConditionForm
from automation.conditions import judge
from automation.publishing.conditions import typed_condition
from automation.values import facts_for
from crm.ground import clock
from crm.models import Item
from crm.pipelines.rights import Scope

LEAF = {"field": "item.amount", "op": "more_than", "value": "5"}
leaves = st.sampled_from(["1", "2", "3"]).map(lambda value: LEAF | {"value": value})


def groups(inner):
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda parts: {"all": parts}),
        several.map(lambda parts: {"any": parts}),
        inner.map(lambda one: {"not": one}),
    )


trees = groups(st.recursive(leaves, groups, max_leaves=8))


def truth(tree, lucky):
    """What a tree comes to where the comparisons with these values hold."""
    if "all" in tree:
        return all(truth(part, lucky) for part in tree["all"])
    if "any" in tree:
        return any(truth(part, lucky) for part in tree["any"])
    return not truth(tree["not"], lucky) if "not" in tree else tree["value"] in lucky


@given(trees, st.sets(st.sampled_from(["1", "2", "3"])))
def test_a_tree_comes_out_of_its_shape_meaning_what_it_meant(tree, lucky):
    shape, stored = condition_shape.shape_of(tree)
    again = condition_shape.tree_of(condition_shape.read(json.dumps(shape), set(stored)) if stored else shape, stored)
    assert truth(again, lucky) == truth(tree, lucky)


@pytest.mark.parametrize(
    "text",
    ["[", "7", "[]", '{"glue": "xor", "parts": []}', '{"glue": "all"}', '{"glue": "all", "parts": [9]}', "[" * 4000],
)
def test_a_shape_that_is_none_is_refused(text):
    with pytest.raises(condition_shape.ValidationError):
        condition_shape.read(text, {1, 2})


def sent(shape=None, glue="all", **rows):
    data = QueryDict(mutable=True)
    data["if-glue"] = glue
    if shape is not None:
        data["if-shape"] = json.dumps(shape)
    for name, (field, op, *value) in rows.items():
        number = name.removeprefix("r")
        data[f"if-field_{number}"], data[f"if-op_{number}"] = field, op
        if value and str(value[0]).startswith("="):
            data[f"if-other_{number}"] = value[0][1:]
        else:
            data.setlist(f"if-value_{number}", value)
    return data


@pytest.mark.django_db
def test_groups_are_read_as_they_stand_and_what_no_group_names_joins_the_outermost(world):
    shape = {
        "glue": "all",
        "parts": [1, {"glue": "none", "parts": [2, {"glue": "any", "parts": [3, 4]}, {"glue": "any", "parts": []}]}],
    }
    rows = {f"r{n}": ("item.amount", "more_than", str(n)) for n in (1, 2, 3, 4, 7)}
    form = ConditionForm(sent(shape, **rows), prefix="if", pipeline=world.pipeline)
    assert form.is_valid(), form.errors
    one, two, three, four, seven = ({"field": "item.amount", "op": "more_than", "value": n} for n in "12347")
    assert form.stored() == {"all": [one, {"not": {"any": [two, {"any": [three, four]}]}}, seven]}
    again = ConditionForm(prefix="if", tree=form.stored(), pipeline=world.pipeline)
    assert not again.is_deep
    page = again.group()
    assert page["parts"][1]["group"]["glue"] == "none"
    assert page["parts"][1]["group"]["parts"][1]["group"]["parts"][0]["row"].number == 3


@pytest.mark.django_db
def test_a_field_is_compared_with_another_and_only_where_that_fits(world):
    form = ConditionForm(
        sent(r1=("item.due_date", "at_least", "=item.created_at")), prefix="if", pipeline=world.pipeline
    )
    assert form.is_valid(), form.errors
    assert form.stored() == {"all": [{"field": "item.due_date", "op": "at_least", "value_field": "item.created_at"}]}
    shown = ConditionForm(prefix="if", tree=form.stored(), pipeline=world.pipeline)
    assert shown.row(1).other.initial == "item.created_at"
    for row in (("item.amount", "between", "=item.amount"), ("item.amount", "more_than", "=item.gone")):
        assert not ConditionForm(sent(r1=row), prefix="if", pipeline=world.pipeline).is_valid()


@pytest.mark.django_db
def test_more_comparisons_than_a_form_shows_are_refused_and_none_is_lost(world):
    rows = {f"r{n}": ("item.amount", "more_than", "1") for n in range(1, 42)}
    form = ConditionForm(sent(**rows), prefix="if", pipeline=world.pipeline)
    assert not form.is_valid()
    assert len(form.group()["parts"]) == 41


AMOUNTS = st.sampled_from([None, "0", "5", "7.50", "2000"])
sql_leaves = st.one_of(
    st.tuples(st.sampled_from(["more_than", "at_least", "less_than", "at_most", "equals"]), AMOUNTS.filter(bool)).map(
        lambda pair: {"field": "item.amount", "op": pair[0], "value": pair[1]}
    ),
    st.sampled_from(["is_empty", "is_filled"]).map(lambda op: {"field": "item.amount", "op": op}),
    st.just({"field": "item.amount", "op": "between", "value": ["5", "8"]}),
    st.just({"field": "item.due_date", "op": "is_empty"}),
)


@pytest.mark.django_db
def test_the_database_counts_what_the_engine_would_judge(world):
    for amount in (None, "0", "5", "7.50", "2000"):
        world.deal(amount=Decimal(amount) if amount else None)
    items = Item.objects.filter(pipeline=world.pipeline)

    @settings(deadline=None)
    @given(groups(st.recursive(sql_leaves, groups, max_leaves=5)))
    def asked(tree):
        wanted = sum(judge(tree, facts_for(item, item.visit, clock.now())).true for item in items)
        found = condition_count.count(items, tree, world.alice)
        assert condition_count.in_sql(tree) is not None
        assert (found.matching, found.total, found.is_about) == (wanted, 5, False)

    asked()


@pytest.mark.django_db
def test_the_panel_tells_how_many_cards_of_the_stage_match_of_those_the_person_sees(world, client):
    for amount in (100, 900, 950):
        world.deal(stage="talk", amount=amount)
    world.deal(stage="pay", amount=5000)
    rule = world.rule("talk")
    client.force_login(world.alice)
    address = f"/automation/{world.pipeline.pk}/parts/{rule.uid}/count/"
    ask = lambda **rows: client.post(address, sent(**rows)).json()["sentence"]  # noqa: E731
    assert ask(r1=("item.amount", "more_than", "500")) == "2 of 3 cards here match"
    assert ask(r1=("item.title", "contains", "oak")) == "3 of 3 cards here match"
    assert ask() == ""
    assert ask(r1=("item.amount", "more_than", "many")) == ""
    world.role(world.charlie, configure=Scope.ALL, view=Scope.OWN)
    client.force_login(world.charlie)
    assert ask(r1=("item.amount", "more_than", "500")) == "0 of 0 cards here match"
    client.force_login(world.bob)
    assert client.post(address).status_code == 404


@pytest.mark.django_db
def test_what_was_sent_stands_for_itself_whatever_was_stored(world):
    """A row that was compared with a field may be compared with a value again; rows have other numbers than what was stored."""
    tree = {"any": [{"field": "item.due_date", "op": "at_least", "value_field": "item.created_at"}]}
    form = ConditionForm(
        sent(r1=("item.due_date", "at_least", "2026-12-01")), prefix="if", tree=tree, pipeline=world.pipeline
    )
    assert form.is_valid(), form.errors
    assert form.stored() == {"all": [{"field": "item.due_date", "op": "at_least", "value": "2026-12-01"}]}


@pytest.mark.django_db
def test_a_condition_that_cannot_be_read_is_kept_shown_again_and_keeps_from_going_live(world, client):
    client.force_login(world.alice)
    rule = world.rule("talk", condition={"field": "item.amount", "op": "more_than", "value": "5"})
    address = f"/automation/{world.pipeline.pk}/parts/{rule.uid}/"
    page = client.get(address)
    filled = {
        form.add_prefix(name): form[name].value() for form in page.context["form"].forms[:3] for name in form.fields
    }
    filled = {name: value for name, value in filled.items() if value not in (None, False, "")}
    wrong = {"if-field_1": "item.amount", "if-op_1": "more_than", "if-value_1": "many"}
    answer = client.post(address, {"seen": page.context["mark"], **filled, **wrong})
    assert "if-value_1" in answer.json()["faults"]
    again = client.get(address)
    assert "many" in again.content.decode()
    assert 'data-fault="if-value_1"' in again.content.decode()
    found = client.get(f"/automation/{world.pipeline.pk}/state/").json()["findings"]
    assert [one["sentence"] for one in found if one["level"] == "error"] == [
        "What was typed into its condition cannot be read yet."
    ]
    right = wrong | {"if-value_1": "7"}
    assert client.post(address, {"seen": again.context["mark"], **filled, **right}).json()["faults"] == {}
    assert not [
        one
        for one in client.get(f"/automation/{world.pipeline.pk}/state/").json()["findings"]
        if one["level"] == "error"
    ]


@pytest.mark.django_db
def test_large_amounts_and_deep_or_empty_groups_are_no_trouble(world, client):
    client.force_login(world.alice)
    rule = world.rule("talk")
    address = f"/automation/{world.pipeline.pk}/parts/{rule.uid}/count/"
    for amount in ("2000000000", "9999999999999", "1e400"):
        assert client.post(address, sent(r1=("item.amount", "more_than", amount))).status_code == 200
    deep = LEAF
    for _number in range(10):
        deep = {"not": {"all": [deep]}}
    assert ConditionForm(prefix="if", tree=deep, pipeline=world.pipeline).is_deep  # kept as it is, not lost
    readable = ConditionForm(prefix="if", pipeline=world.pipeline).readable
    for empty in ({"not": {"any": []}}, {"all": [{"any": []}]}):
        assert typed_condition(empty, readable, "EUR") == {}
