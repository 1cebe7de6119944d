"""Conditions take typed values, refuse at save what they cannot judge, and stored ones are read again by an upgrade."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.http import QueryDict
from django.utils import translation

from automation.condition_form import ConditionForm
from automation.upgrades import reread_conditions
from crm.items.filters import ItemFilter
from crm.models import CustomField, Item, Notification

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.fixture
def alice(world, client):
    client.force_login(world.alice)
    return client


def filled(*leaves: tuple[str, str, list[str]], language: str = "en", **more) -> ConditionForm:
    data = QueryDict(mutable=True)
    for row, (field, op, values) in enumerate(leaves, 1):
        data[f"if-field_{row}"], data[f"if-op_{row}"] = field, op
        data.setlist(f"if-value_{row}", values)
    with translation.override(language):
        form = ConditionForm(data, prefix="if", **more)
        form.is_valid()
    return form


@pytest.mark.parametrize(
    ("field", "op", "values", "stored"),
    [
        ("item.amount", "more_than", ["1,500"], "1500"),
        ("item.amount", "between", ["1,000, 5,000"], ["1000", "5000"]),
        ("item.amount", "between", ["1 000", "5 000,50"], ["1000", "5000.50"]),
        ("item.amount", "one_of", ["1,000\n5,000"], ["1000", "5000"]),
        ("item.title", "one_of", ["oak\nash, pale"], ["oak", "ash, pale"]),
        ("item.title", "one_of", ["ash, pale"], ["ash, pale"]),
        ("item.due_date", "more_than", ["2026-12-01"], "2026-12-01"),
        ("item.due_date", "more_than", ["1 grudnia 2026"], "2026-12-01"),
        ("item.due_date", "next_days", ["7"], 7),
        ("now.time", "time_between", ["18:00", "08:00"], ["18:00", "08:00"]),
        ("now.time", "time_between", ["18:00-08:00"], ["18:00", "08:00"]),
        ("now.weekday", "weekday_is", ["sat", "sun"], ["sat", "sun"]),
        ("now.weekday", "weekday_is", ["sobota"], ["sat"]),
    ],
)
def test_values_are_read_as_people_write_them_and_stored_typed(field, op, values, stored):
    form = filled((field, op, values), currency="PLN")
    assert not form.errors
    assert form.stored() == {"all": [{"field": field, "op": op, "value": stored}]}


@pytest.mark.parametrize(
    ("field", "op", "values", "words"),
    [
        ("item.amount", "more_than", ["abc"], "is not an amount"),
        ("item.amount", "more_than", ["€1,500"], "amounts here are in PLN"),
        ("item.amount", "contains", ["5"], "does not fit the field"),
        ("item.title", "more_than", ["5"], "does not fit the field"),
        ("item.amount", "between", ["5000", "1000"], "larger than the second"),
        ("item.amount", "between", ["5000"], "Two values are needed"),
        ("item.due_date", "at_least", ["soon"], "is not a date"),
        ("item.due_date", "last_days", ["-3"], "is not a number of days"),
        ("now.time", "time_between", ["soon", "later"], "is not a time of day"),
        ("now.weekday", "weekday_is", ["someday"], "is not a day of the week"),
        ("item.title", "equals", [""], "compared with"),
        ("item.amount", "more_than", ["9999999999999999"], "too large"),
    ],
)
def test_what_cannot_be_judged_is_refused_at_save(field, op, values, words):
    form = filled((field, op, values), currency="PLN")
    assert words in str(form.errors)


def test_a_list_field_takes_its_options_only():
    CustomField.objects.create(target="item", key="wood", label="Wood", type="list", options="Oak\nAsh")
    assert filled(("item.custom.wood", "one_of", ["oak", "Ash"])).stored()["all"][0]["value"] == ["Oak", "Ash"]
    assert "none of the options" in str(filled(("item.custom.wood", "equals", ["Pine"])).errors)


@pytest.mark.parametrize("language", ["en", "pl", "fr", "vi"])
def test_a_stored_condition_is_shown_so_that_saving_it_again_changes_nothing(language):
    CustomField.objects.create(target="item", key="width", label="Width", type="number")
    tree = {
        "any": [
            {"field": "item.amount", "op": "between", "value": ["1000", "2500.50"]},
            {"field": "item.custom.width", "op": "more_than", "value": "1.5"},
            {"field": "now.weekday", "op": "weekday_is", "value": ["sat", "sun"]},
            {"field": "now.time", "op": "time_between", "value": ["18:00", "08:00"]},
            {"field": "item.due_date", "op": "at_least", "value": "2026-12-01"},
            {"field": "item.title", "op": "one_of", "value": ["a", "b, c"]},
        ]
    }
    with translation.override(language):
        shown = ConditionForm(prefix="if", tree=tree)
        leaves = []
        for row, part in zip(shown.places, tree["any"], strict=False):
            values = shown.initial[f"value_{row}"]
            many = part["op"] == "one_of"
            leaves.append((part["field"], part["op"], ["\n".join(values)] if many else values))
    form = filled(*leaves, language=language)
    assert [leaf["value"] for leaf in form.stored()["all"]][:5] == [
        ["1000", "2500.50"], "1.5", ["sat", "sun"], ["18:00", "08:00"], "2026-12-01",
    ]  # fmt: skip
    assert form.stored()["all"][5]["value"] == ["a", "b, c"]


def test_the_form_offers_what_fits_and_the_weekdays_in_the_readers_language(world, alice):
    world.alice.language = "pl"
    world.alice.save()
    with translation.override("en"):  # what the page activates stays within
        row = alice.get("/admin/automation/rule/condition-row/?n=3&field=now.weekday&op=weekday_is").content.decode()
        amount = alice.get("/admin/automation/rule/condition-row/?n=1&field=item.amount&op=between").content.decode()
    assert 'name="if-value_3"' in row
    assert "sobota" in row.lower()
    assert amount.count('name="if-value_1"') == 2
    assert 'value="contains"' not in amount
    assert 'value="more_than"' in amount


def run_with(world, drain, condition, **item):
    rule = world.rule("talk", condition=condition)
    card = world.deal(**item)
    world.move(card, "talk")
    drain()
    return world.run_of(rule).status


def test_own_numbers_and_dates_compare_as_such(world, now, drain):
    CustomField.objects.create(target="item", key="width", label="Width", type="number")
    CustomField.objects.create(target="item", key="made_on", label="Made on", type="date")
    both = {
        "all": [
            {"field": "item.custom.width", "op": "equals", "value": "12.5"},
            {"field": "item.custom.made_on", "op": "more_than", "value": "2026-12-01"},
        ]
    }
    assert run_with(world, drain, both, custom={"width": "12.50", "made_on": "2026-12-02"}) == "done"
    asked = ItemFilter.read(QueryDict("c.width=12.5"), world.pipeline)
    assert asked.apply(Item.objects.all(), world.bob).count() == 1
    assert ItemFilter.read(QueryDict("c.width=1"), world.pipeline).apply(Item.objects.all(), world.bob).count() == 0


def test_a_moments_day_is_the_companys_day(world, now, drain):
    CustomField.objects.create(target="item", key="visit", label="Visit", type="datetime")
    late = datetime(2026, 12, 1, 23, 30, tzinfo=ZoneInfo("UTC"))  # in Warsaw half past midnight of the second
    tree = {"all": [{"field": "item.custom.visit", "op": "equals", "value": "2026-12-02"}]}
    assert run_with(world, drain, tree, custom={"visit": late.isoformat()}) == "done"


STORED = [
    # field, op, as it was stored, as it is stored now, whether it waits
    ("item.amount", "more_than", "1500", "1500", False),
    ("item.amount", "more_than", "1,500", "1500", True),
    ("item.amount", "between", "1000, 5000", ["1000", "5000"], False),
    ("item.amount", "between", "1,000, 5,000", ["1000", "5000"], True),
    ("item.amount", "more_than", "abc", "abc", True),
    ("item.amount", "contains", "5", "5", True),
    ("item.title", "one_of", "oak, ash", ["oak", "ash"], False),
    ("", "time_between", "18:00, 08:00", ["18:00", "08:00"], False),
    ("", "time_between", "18:00-08:00", ["18:00", "08:00"], True),
    ("", "weekday_is", "mon, tue", ["mon", "tue"], False),
    ("", "weekday_is", "sobota", ["sat"], True),
    ("item.due_date", "more_than", "2026-12-01", "2026-12-01", False),
]


@pytest.mark.parametrize(("field", "op", "value", "typed", "waits"), STORED)
def test_a_stored_condition_keeps_its_meaning_or_waits_to_be_confirmed(
    world, now, drain, field, op, value, typed, waits
):
    rule = world.rule("talk", condition={"all": [{"field": field, "op": op, "value": value}]})
    trigger = world.trigger("papers", condition={"all": [{"field": field, "op": op, "value": value}]})
    reread_conditions(apps)
    rule.refresh_from_db()
    trigger.refresh_from_db()
    assert rule.condition["all"][0]["value"] == trigger.condition["all"][0]["value"] == typed
    assert bool(rule.unconfirmed) == bool(rule.paused_at) == bool(trigger.unconfirmed) == waits
    told = Notification.objects.filter(user=world.alice, kind="setup", text__contains="typ").count()
    assert told == (1 if waits else 0)
    if waits:
        rule.pipeline.touch_machine()
        world.move(world.deal(amount=2000), "talk")
        drain()
        assert world.run_of(rule).status == "held"


def test_a_confirmed_rule_goes_on(world, alice, now, drain):
    rule = world.rule("talk", condition={"all": [{"field": "item.amount", "op": "more_than", "value": "1,500"}]})
    reread_conditions(apps)
    rule.pipeline.touch_machine()
    card = world.deal(amount=2000)
    world.move(card, "talk")
    drain()
    page = alice.get(f"/admin/automation/rule/{rule.pk}/change/").content.decode()
    assert "so far read as 1.500" in page
    assert "now as 1500" in page
    listed = alice.get("/admin/automation/rule/?unconfirmed=1").content.decode()
    assert rule.name in listed
    alice.post("/admin/automation/rule/", {"action": "confirm_conditions", "_selected_action": [rule.pk]})
    drain()
    rule.refresh_from_db()
    assert (rule.unconfirmed, rule.paused_at) == ([], None)
    assert world.run_of(rule).status == "done"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("old", "field"), [("weekday_is", "item.amount"), ("time_between", "item.title"), ("more_than", "now.weekday")]
)
def test_another_field_is_taken_and_the_comparison_that_does_not_fit_it_goes(world, client, old, field):
    client.force_login(world.alice)
    sent = {"field": field, "op": old, "n": "1", "value": ["1"]}
    row = client.get("/admin/automation/rule/condition-row/", sent).content.decode()
    assert f'value="{field}" selected' in row
    assert f'value="{old}" selected' not in row
