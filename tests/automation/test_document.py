"""A pipeline's automation as one document: read, written, compared, merged, published."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.base import actions, trigger_types
from automation.document import (
    RULE,
    SET,
    STAGE,
    TRIGGER,
    Document,
    Faulty,
    Place,
    RulePart,
    SetPart,
    StagePart,
    TriggerPart,
    VariablePart,
)  # fmt: skip
from automation.models import Rule, RuleSet, Trigger
from automation.publishing import text
from automation.publishing.comparing import compare, merge
from automation.publishing.models import Publication
from automation.publishing.publishing import editing
from automation.publishing.references import INSIDE, referring
from automation.publishing.rows import read
from automation.samples import sample_of
from automation.variables import Variable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
WORDS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | WORDS,
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)
FRESH = itertools.count(0, 100)
EXTRA = st.dictionaries(st.sampled_from(["x_colour", "x_owner", "later"]), JSON, max_size=2)


def placed_types() -> list[tuple[str, Any]]:
    return [(RULE, kind) for kind in actions] + [(TRIGGER, kind) for kind in trigger_types]


@st.composite
def documents(draw, world, outside: list[int]):
    """With several of each type of rule and trigger; references to what is there, to what is not, and to each other."""
    variables = [VariablePart(key="count", label="Count", type="number", value=None, **draw(EXTRA))]
    made = Document(variables=variables, tests=draw(st.lists(JSON, max_size=1)), **draw(EXTRA))
    places = [Place(STAGE, str(stage.pk)) for stage in world.stages.values()]
    made.stages = {place.key: StagePart(**draw(EXTRA)) for place in places}
    made.sets = {"follow-up": SetPart(name=draw(WORDS) or "F", note=draw(WORDS), **draw(EXTRA))}
    first = next(FRESH)  # one id was never two things
    for number, (kind, type_) in enumerate(draw(st.permutations(placed_types()))[:12]):
        own: dict[str, Any] = {"id": f"p{first + number}", "name": draw(WORDS), "note": draw(WORDS), **draw(EXTRA)}
        own["settings"] = sample_of(type_.Settings) | {
            name: draw(st.sampled_from([str(pk) for pk in outside]))
            if model not in INSIDE
            else {RuleSet: "follow-up", Variable: "count", Rule: f"p{first}"}[model]
            for name, model in referring(type_).items()
        }
        own["condition"] = draw(
            st.sampled_from([{}, {"all": [{"field": "stage", "op": "equals", "value": outside[0]}]}])
        )
        if kind == RULE:
            place = draw(st.sampled_from([*places, Place(SET, "follow-up")]))
            after = draw(st.sampled_from(["", "ended", "done", "any"]))
            made.add(RULE, place, RulePart(action=type_.key, key=f"k{number}", after_previous=after, **own))
        else:
            place = draw(st.sampled_from(places))
            person = draw(st.sampled_from([None, world.alice.pk]))
            made.add(TRIGGER, place, TriggerPart(type=type_.key, change_as=person, **own))
    return made


def published(pipeline, document, by, **more):
    with editing(pipeline, by, Publication.Origin.TEXT, trusted=True, **more) as under_way:
        under_way.document = document.copy_of()
    return under_way.publication


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_text_document_rows_and_back_are_the_same(world, data):
    there = [stage.pk for stage in world.stages.values()] + [world.alice.pk, 987_654]
    document = data.draw(documents(world, there))
    written = text.dump(world.pipeline, document)
    loaded, _faults = text.load(world.pipeline, written)
    loaded.pipeline = ""
    assert loaded == document
    published(world.pipeline, loaded, world.alice)
    assert read(world.pipeline).document.plain() == document.plain()
    assert text.dump(world.pipeline, read(world.pipeline).document) == written


def test_every_type_of_rule_and_trigger_goes_through(world):
    document = Document(stages={str(world.stages["talk"].pk): StagePart()})
    place = Place(STAGE, str(world.stages["talk"].pk))
    for number, (kind, type_) in enumerate(placed_types()):
        raw = sample_of(type_.Settings)
        own: dict[str, Any] = {"id": f"p{number}", "name": str(type_.label), "settings": raw}
        part = (
            RulePart(action=type_.key, key=f"k{number}", **own) if kind == RULE else TriggerPart(type=type_.key, **own)
        )
        document.add(kind, place, part)
    for key in read(world.pipeline).document.stages:
        document.stages.setdefault(key, StagePart())
    published(world.pipeline, document, world.alice)
    assert compare(document, read(world.pipeline).document) == []
    assert (Rule.objects.count(), Trigger.objects.count()) == (len(list(actions)), len(list(trigger_types)))


# ---------------------------------------------------------------------- compared


def rule(id, **more):
    return RulePart(id=id, name=more.pop("name", id), action="add_comment", key=id, settings={"text": "x"}, **more)


def made_of(*ids, **more):
    return Document(stages={"1": StagePart(rules=[rule(id, **more) for id in ids])})


def test_of_a_list_as_few_as_may_be_are_moved():
    found = compare(made_of("a", "b", "c", "d"), made_of("d", "a", "b", "c"))
    assert [(one.id, one.verb) for one in found] == [("d", "moved")]
    assert not found[0].gives


def test_another_rule_before_it_in_its_chain_gives_it_to_who_publishes():
    old, new = made_of("a", "b", "c"), made_of("b", "a", "c")
    new.find("c")[2].after_previous = old.find("c")[2].after_previous = "ended"
    found = {one.id: one.gives for one in compare(old, new)}
    assert found["c"]
    assert sum(found.values()) == 1


def test_a_name_and_a_note_give_a_rule_to_nobody():
    old, new = made_of("a"), made_of("a")
    new.find("a")[2].name, new.find("a")[2].note = "Another", "why"
    (change,) = compare(old, new)
    assert (change.fields, change.gives) == (("name", "note"), False)


@given(st.permutations("abcdef"), st.permutations("abcdef"), st.permutations("abcdef"))
def test_what_only_one_side_changed_is_kept_by_a_merge(base, ours, theirs):
    """Each takes one away, adds one, and orders as it likes."""
    old, mine, yours = made_of(*base), made_of(*ours[1:], "mine"), made_of(*theirs[:-1], "yours")
    merged = merge(old, mine, yours).document
    ids = {part.id for _kind, _spot, part in merged.placed()}
    assert {"mine", "yours"} <= ids
    assert ours[0] not in ids
    assert theirs[-1] not in ids
    assert ids == (set("abcdef") | {"mine", "yours"}) - {ours[0], theirs[-1]}


def test_the_same_rule_changed_twice_otherwise_is_a_conflict():
    old, mine, yours = made_of("a", "b"), made_of("a", "b"), made_of("a", "b")
    mine.find("a")[2].settings, yours.find("a")[2].settings = {"text": "mine"}, {"text": "yours"}
    yours.find("b")[2].settings = {"text": "yours"}
    merged = merge(old, mine, yours)
    assert [change.id for change in merged.conflicts] == ["a"]
    assert merged.document.find("b")[2].settings == {"text": "yours"}
    yours.find("a")[2].settings = {"text": "mine"}
    assert merge(old, mine, yours).conflicts == []


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("format: 2", "format 2"),
        ("format: yes please", "format yes please"),
        ("stages:\n  New: &a {rules: []}\n  Talk: *a\n", "Anchors"),
        ("stages: {New: {rules: [{id: a, action: x}, {id: a, action: x}]}}", "there twice"),
        ("stages: {New: {rules: [{action: add_comment}]}}", "needed"),
        ("stages: {New: {rules: [{id: a, action: x, settings: [1]}]}}", "object"),
        ("stages: {New: {rules: [{id: a, action: x, repeat_days: many}]}}", "whole number"),
        ("stages: {New: 5}", "object"),
        ("- a\n- b", "object with format"),
        ("stages: {New: {}}\nstages: {New: {}}", "cannot be read"),
        ("stages: [", "cannot be read"),
        ("x: " + "[" * 100, "nested"),
        ("x: !!python/object/apply:os.system [ls]", "cannot be read"),
        ("x: .nan", "no number"),
        ('x: "\\0"', "cannot be kept"),
        ("x: " + "y" * 2_000_000, "KiB"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(world, source, words):
    with pytest.raises(Faulty) as refused:
        text.load(world.pipeline, source)
    assert words in str(refused.value)


def test_what_it_names_and_is_not_there_is_a_fault_with_its_place(world):
    source = """
stages:
  Nowhere: {rules: [{id: a, name: A, action: add_comment, key: a, settings: {text: x}}]}
  Talk:
    rules:
    - {id: b, name: B, action: notify, key: b, settings: {to_users: [nobody@example.com], text: x}}
    - {id: c, name: C, action: gone, key: c}
    triggers:
    - {id: t, name: T, type: gone, change_as: nobody@example.com}
"""
    _document, faults = text.load(world.pipeline, source)
    assert [fault.place for fault in faults] == [
        "stages.Nowhere",
        f"stages.{world.stages['talk'].pk}.triggers.t.change_as",
        f"stages.{world.stages['talk'].pk}.rules.b.settings.to_users",
    ]


def test_a_name_that_several_have_lists_them(world):
    other = type(world.alice).objects
    first = type(world.sales).objects.create(name="Twins")
    second = type(world.sales).objects.create(name="Twins")
    assert other.count()
    source = """
stages: {Talk: {rules: [{id: a, name: A, action: change_owner, key: a, settings: {department: %s, choose: order}}]}}
"""
    _document, faults = text.load(world.pipeline, source % "Twins")
    assert f"Twins#{first.pk}, Twins#{second.pk}" in faults[0].sentence
    document, faults = text.load(world.pipeline, source % f"Twins#{second.pk}")
    assert faults == []
    assert document.find("a")[2].settings["department"] == str(second.pk)
    assert f"Twins#{second.pk}" in text.dump(world.pipeline, document)
