"""One class for each type of field: what one door takes, every other reads; a third party's type is met at all of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from automation.actions.change_fields import typed
from automation.condition_form import ConditionForm, Readable
from crm.board.forms.items import ItemForm
from crm.fields import Asked, Cells, field_types, own, type_choices, type_of
from crm.importing.items import ItemMaker
from crm.items import retiring
from crm.items.filters import BadFilter, ItemFilter
from crm.messages import merge_text
from crm.models import Contact, CustomField, FormField, Import, ImportRow, Item, Notification, Submission, User, WebForm
from crm.pipelines import retyping
from crm.pipelines.machine import machine_of
from crm.pipelines.retyping import canonical
from crm.pipelines.upgrades import type_custom_values
from crm.registry import Registry
from crm.work import queue
from tests.crm.test_api import Caller

pytestmark = pytest.mark.django_db
OPTIONS = (("oak", "Oak"), ("ash", "Ash"))
# Of each type that administrators may add: a typed value.
VALUES = {
    "text": st.text("ab cżŁ", min_size=1).filter(str.strip).map(str.strip),
    "long_text": st.text("ab cżŁ", min_size=1).filter(str.strip).map(str.strip),
    "number": st.decimals(-99999, 99999, places=3),
    "money": st.decimals(-99999, 99999, places=2),
    "date": st.dates(date(1900, 1, 1), date(2900, 1, 1)),
    "datetime": st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC)),
    "boolean": st.booleans(),
    "list": st.sampled_from(["oak", "ash"]),
    "multi_list": st.lists(st.sampled_from(["oak", "ash"]), min_size=1, unique=True),
    "link": st.just("https://example.com/a"),
    "phone": st.just("+48601234567"),
    "email": st.just("jan@example.com"),
    "guest_colour": st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06X}"),
}


def test_every_type_that_may_be_added_is_proved_here():
    assert {key for key, _label in type_choices()} == {*VALUES, "user"}


@pytest.mark.parametrize("key", sorted(VALUES))
def test_a_value_comes_back_as_it_was_kept_from_every_reader(key):
    kind, asked = type_of(key), Asked(options=OPTIONS)

    @given(VALUES[key])
    def proved(value):
        kept = kind.to_json(value)
        assert kind.from_json(kept) == value
        assert canonical(kind, kept) == kept
        assert kind.merge_value(kept) == (value.isoformat() if type(value) is date else value)
        if kind.schema["type"] != "boolean":
            assert kind.form_field(asked).clean(kind.as_sent(kept)) == value
        told = kind.exported(kept)
        if not isinstance(told, datetime):  # a table writes moments in its own zone
            assert kind.to_json(kind.cell(str(told), Cells("dmy"), asked)) == kept or isinstance(value, Decimal)

    proved()


@pytest.mark.parametrize("key", [key for key, _label in type_choices()])
def test_what_does_not_fit_a_type_stays_text_and_stops_no_page(key):
    kind = type_of(key)
    for kept in ("about five", "2026-13-45", "=1+1", "", None, [], ["a"]):
        assert isinstance(kind.told(kept), str)
        kind.exported(kept)
        kind.merge_value(kept)
        kind.initial(kept)


def test_no_two_types_have_one_key_and_one_without_a_key_is_refused():
    with pytest.raises(TypeError, match="is taken by"):
        field_types.register(type("Other", (field_types.base,), {"key": "text", "label": "text"}))
    with pytest.raises(TypeError, match="has no key"):
        Registry("fields", field_types.base).register(type("Bare", (field_types.base,), {"key": "", "label": "x"}))


# ---------------------------------------------------------------------- a third party's type, at every door


@pytest.fixture
def shade(world):
    return CustomField.objects.create(target="item", key="shade", label="Shade", type="guest_colour")


def test_a_guests_type_is_read_by_page_rule_filter_condition_and_text(world, shade, now):
    deal = world.deal(custom={"shade": "#A0522D"})
    form = ItemForm(deal, {"title": "x", "currency": "PLN", "version": 1, "custom.shade": "a0522d"}, user=world.bob)
    assert form.is_valid()
    assert form.values()["custom.shade"] == "#A0522D"
    assert "is no colour" in str(ItemForm(deal, {"custom.shade": "brown"}, user=world.bob).errors["custom.shade"])
    assert typed(machine_of(world.pipeline.pk), "custom.shade", "#fff", "PLN") == "#FFFFFF"
    with pytest.raises(ValidationError):
        typed(machine_of(world.pipeline.pk), "custom.shade", "brown", "PLN")
    shown = ItemFilter.read(QueryDict("c.shade=a0522d"), world.pipeline)
    assert list(shown.apply(Item.objects.all(), world.bob)) == [deal]
    with pytest.raises(BadFilter):
        ItemFilter.read(QueryDict("c.shade=brown"), world.pipeline)
    assert merge_text.render("{{ item.custom.shade }}", merge_text.Values(deal)) == "#A0522D"
    assert Readable().type_of("item.custom.shade") is type_of("guest_colour")
    data = QueryDict("if-field_1=item.custom.shade&if-op_1=equals&if-value_1=a0522d")
    condition = ConditionForm(data, prefix="if")
    assert condition.is_valid()
    assert condition.stored()["all"][0]["value"] == "#A0522D"


def test_a_guests_type_is_told_on_card_and_timeline_and_leaves_and_comes_by_file(world, shade, client, drain):
    world.pipeline.card_fields = ["custom.shade"]
    world.pipeline.save()
    deal = world.deal("Oak", custom={"shade": "#A0522D"})
    deal.change({"custom.shade": "#FFFFFF"}, by=world.bob)
    client.force_login(world.bob)
    assert "colour #FFFFFF" in client.get(f"/board/{world.pipeline.pk}/").content.decode()
    card = client.get(f"/items/{deal.pk}/").content.decode()
    assert "colour #A0522D → colour #FFFFFF" in card
    lines = b"".join(client.get(f"/board/{world.pipeline.pk}/export.csv").streaming_content).decode()
    assert "#FFFFFF" in lines
    made = Import.objects.create(target="items", pipeline=world.pipeline, user=world.bob, headers=["title", "shade"])
    made.mapping = {"0": "title", "1": "custom.shade"}
    made.save()
    maker = ItemMaker(made)
    rows = [ImportRow(parent=made, number=1, cells=["Pine", "fff"]), ImportRow(parent=made, number=2, cells=["x", "?"])]
    maker.prepare(rows)
    assert maker.ready[1].values["custom.shade"] == "#FFFFFF"
    assert "is no colour" in str(maker.ready[2])


def test_a_guests_type_is_a_question_of_a_form_and_a_field_of_the_api(world, shade, client, drain):
    form = WebForm.objects.create(name="F", slug="f", pipeline=world.pipeline, heading="F", thanks="Thanks")
    FormField.objects.create(form=form, key="phone", kind="phone", label="Phone", required=True)
    question = FormField(form=form, key="shade", kind="guest_colour", label="Shade", saves_to="item.custom.shade")
    question.full_clean()
    question.save()
    api = Caller(client, world.bob)
    sent = api.post("/submissions", {"form": form.pk, "answers": {"phone": "601 234 567", "shade": "a0522d"}})
    assert sent.status_code == 201, sent.data
    drain()
    assert Submission.objects.get().item.custom == {"shade": "#A0522D"}
    wrong = api.post("/submissions", {"form": form.pk, "answers": {"phone": "601 234 567", "shade": "brown"}})
    assert wrong.status_code == 422
    told = {row["name"]: row for row in api.get("/fields?target=item").data}
    assert told["custom.shade"]["value"]["pattern"]
    assert told["amount"]["type"] == "priced"
    made = api.post("/items", {"pipeline": world.pipeline.pk, "title": "x", "custom": {"shade": "fff"}})
    assert made.data["custom"] == {"shade": "#FFFFFF"}


def test_what_is_no_custom_type_cannot_be_chosen_for_a_field():
    with pytest.raises(ValidationError):
        CustomField(target="item", key="x", label="X", type="stage").full_clean()


# ---------------------------------------------------------------------- people of ours and stages


def test_a_person_of_ours_is_kept_as_an_id_and_told_by_name(world, client):
    CustomField.objects.create(target="item", key="fitter", label="Fitter", type="user")
    deal = world.deal(custom={"fitter": world.alice.pk})
    assert merge_text.render("{{ item.custom.fitter }}", merge_text.Values(deal)) == world.alice.name
    machine = machine_of(world.pipeline.pk)
    assert typed(machine, "custom.fitter", world.alice.email, "PLN") == world.alice.pk
    assert typed(machine, "custom.fitter", world.alice.name, "PLN") == world.alice.pk
    with pytest.raises(ValidationError, match="No active person"):
        typed(machine, "custom.fitter", "nobody@example.com", "PLN")
    client.force_login(world.bob)
    assert world.alice.name in client.get(f"/items/{deal.pk}/").content.decode()
    shown = ItemFilter.read(QueryDict(f"c.fitter={world.alice.pk}"), world.pipeline)
    assert list(shown.apply(Item.objects.all(), world.bob)) == [deal]


def test_a_condition_on_the_stage_outlives_a_new_name_and_one_by_name_still_holds(world):
    stage = world.stages["talk"]
    rule = world.rule("talk", condition={"field": "item.stage", "op": "equals", "value": stage.pk})
    old = world.rule("talk", condition={"field": "stage", "op": "equals", "value": stage.name})
    deal = world.deal()
    world.move(deal, "talk")
    assert world.run_of(rule, deal).status != "skipped"
    form = ConditionForm(prefix="if", tree=old.condition, pipeline=world.pipeline)
    assert form.initial["value_1"] == [str(stage.pk)]
    sent = QueryDict(f"if-field_1=item.stage&if-op_1=equals&if-value_1={stage.pk}")
    filled = ConditionForm(sent, prefix="if", pipeline=world.pipeline)
    assert filled.is_valid()
    assert filled.stored() == {"all": [{"field": "item.stage", "op": "equals", "value": stage.pk}]}
    wrong = ConditionForm(
        QueryDict("if-field_1=item.stage&if-op_1=equals&if-value_1=Nowhere"), prefix="if", pipeline=world.pipeline
    )
    assert "not a stage" in str(wrong.errors)


def test_our_own_fields_are_called_as_the_columns_are():
    for target, model in (("item", Item), ("contact", Contact)):
        for name, field in own.OF[target].items():
            if name not in ("phones", "emails", "tags"):
                assert str(field.label) == str(model._meta.get_field(name).verbose_name), name


# ---------------------------------------------------------------------- values of another type


def test_the_upgrade_types_what_can_be_read_and_lists_the_rest(world, capsys):
    world.alice.is_superuser = True
    world.alice.save()
    size = CustomField.objects.create(target="item", key="size", label="Size", type="number")
    CustomField.objects.create(target="item", key="woods", label="Woods", type="multi_list", options="oak\nash")
    CustomField.objects.create(target="contact", key="vip", label="VIP", type="boolean")
    good = world.deal(custom={"size": 12.5, "woods": "oak", "other": 1})
    bad = world.deal(custom={"size": "about five"})
    Contact.objects.filter(pk=world.contact.pk).update(custom={"vip": "yes"})
    type_custom_values(apps)
    good.refresh_from_db()
    bad.refresh_from_db()
    assert good.custom == {"size": "12.5", "woods": ["oak"], "other": 1}
    assert bad.custom == {"size": "about five"}
    assert Contact.objects.get(pk=world.contact.pk).custom == {"vip": True}
    assert f"item #{bad.pk}, {size.label}: “about five”" in capsys.readouterr().out
    assert "about five" in str(Notification.objects.get(user=world.alice, kind="setup").text)
    type_custom_values(apps)  # once more changes nothing
    good.refresh_from_db()
    assert good.custom["size"] == "12.5"


def test_a_changed_type_reads_what_was_stored_and_tells_what_it_cannot(world, client, drain, monkeypatch):
    monkeypatch.setattr(retyping, "SLICE", 1)
    size = CustomField.objects.create(target="item", key="size", label="Size", type="text")
    good, bad = world.deal(custom={"size": "1.50"}), world.deal(custom={"size": "about five"})
    client.force_login(world.alice)
    data = {"label": "Size", "type": "number", "options": "", "order": 0, "item_type": ""}
    answer = client.post(f"/admin/crm/customfield/{size.pk}/change/", data, follow=True)
    assert "read by the new type" in answer.content.decode()
    drain()
    assert "about five" in str(Notification.objects.get(user=world.alice).text)
    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.custom["size"], bad.custom["size"]) == ("1.50", "about five")


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        ("item.custom.size == '12.5'", True),
        ("item.custom.size == 12.5", True),
        ("item.custom.size > 12", True),
        ("item.custom.made == '2026-05-01'", True),
        ("item.custom.made > '2026-01-01'", True),
        ("item.custom.made < '2026-01-01'", False),
    ],
)
def test_a_template_may_compare_own_fields_with_texts_as_before_and_with_numbers(world, condition, true):
    CustomField.objects.create(target="item", key="size", label="Size", type="number")
    CustomField.objects.create(target="item", key="made", label="Made", type="date")
    deal = world.deal(custom={"size": "12.5", "made": "2026-05-01"})
    told = merge_text.render("{% if " + condition + " %}yes{% endif %}{{ item.custom.size }}", merge_text.Values(deal))
    assert told == ("yes12.5" if true else "12.5")


def test_a_rule_keeps_the_limits_of_columns(world):
    machine = machine_of(world.pipeline.pk)
    for name, most in (("title", 200), ("source", 80)):
        assert typed(machine, name, "x" * most, "PLN")
        with pytest.raises(ValidationError):
            typed(machine, name, "x" * (most + 1), "PLN")


def test_two_colleagues_of_one_name_are_two_in_a_condition(world):
    namesake = User.objects.create_user("other@example.com", "pw", name=world.alice.name)
    CustomField.objects.create(target="item", key="fitter", label="Fitter", type="user")
    mine = world.rule("talk", condition={"field": "item.custom.fitter", "op": "equals", "value": namesake.pk})
    deal = world.deal(custom={"fitter": world.alice.pk})
    world.move(deal, "talk")
    queue.drain_all()
    assert world.run_of(mine, deal).status == "skipped"


def test_a_stage_called_by_a_number_is_known_by_name_and_by_id(world, drain):
    stage = world.stages["talk"]
    stage.name = "2025"
    stage.save()
    named = world.rule("talk", condition={"field": "stage", "op": "equals", "value": "2025"}, key="a")
    became = world.rule("talk", condition={"field": "stage", "op": "became", "value": stage.pk}, key="b")
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    assert [world.run_of(rule, deal).status for rule in (named, became)] == ["done", "done"]


def test_a_stage_that_goes_is_handed_over_in_conditions(world):
    talk, papers = world.stages["talk"], world.stages["papers"]
    rule = world.rule("pay", condition={"all": [{"field": "item.stage", "op": "one_of", "value": [talk.pk, 999]}]})
    found = {use.label: use for use in retiring.uses_of(talk)}
    use = found["conditions of rules on the stage"]
    use.hand_over(papers)
    rule.refresh_from_db()
    assert rule.condition["all"][0]["value"] == [papers.pk, 999]


def test_a_file_and_a_board_ask_once_for_all_people_of_a_field(world, client):
    CustomField.objects.create(target="item", key="fitter", label="Fitter", type="user")
    world.pipeline.card_fields = ["custom.fitter"]
    world.pipeline.save()
    client.force_login(world.bob)
    for number in range(3):
        world.deal(f"Deal {number}", custom={"fitter": world.alice.pk})
    with CaptureQueriesContext(connection) as few:
        client.get(f"/board/{world.pipeline.pk}/")
    for number in range(20):
        world.deal(f"More {number}", custom={"fitter": world.alice.pk if number % 2 else world.bob.pk})
    with CaptureQueriesContext(connection) as many:
        client.get(f"/board/{world.pipeline.pk}/")
    assert len(many) <= len(few) + 2
    with CaptureQueriesContext(connection) as written:
        b"".join(client.get(f"/board/{world.pipeline.pk}/export.csv").streaming_content)
    assert len([query for query in written if "crm_user" in query["sql"]]) < 10


def test_a_moment_in_a_field_of_days_becomes_its_day_and_odd_ones_stop_nothing():
    assert canonical(type_of("date"), "2024-06-05T12:30:00+00:00") == "2024-06-05"
    for kept in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"):
        with pytest.raises((ValidationError, ArithmeticError, ValueError)):
            canonical(type_of("datetime"), kept)


def test_no_value_of_another_type_stops_a_page(world, client):
    """Stored under one type, shown under another: serial numbers as numbers, lists and ticks as people."""
    kept = ["9" * 30, ["oak"], True, 2**70, {"a": 1}, -1, "about five", 1.5, "9999-12-31T23:59:59-12:00"]
    deals = [world.deal(f"Deal {n}", custom={"odd": value}) for n, value in enumerate(kept)]
    field = CustomField.objects.create(target="item", key="odd", label="Odd", type="text")
    for deal in deals[:3]:
        deal.change({"custom.odd": "changed"}, by=world.bob)
        Item.objects.filter(pk=deal.pk).update(custom=deal.custom | {"odd": kept[deals.index(deal)]})
    world.pipeline.card_fields = ["custom.odd"]
    world.pipeline.save()
    client.force_login(world.bob)
    for key, _label in type_choices():
        field.type = key
        field.save()
        assert client.get(f"/board/{world.pipeline.pk}/").status_code == 200, key
        assert b"".join(client.get(f"/board/{world.pipeline.pk}/export.csv").streaming_content), key
        for deal in deals:
            assert client.get(f"/items/{deal.pk}/").status_code == 200, (key, deal.custom)
            merge_text.render("{{ item.custom.odd }}", merge_text.Values(deal))


def test_the_api_tells_own_fields_to_who_sees_what_has_them(world, client):
    CustomField.objects.create(target="item", key="margin", label="Margin", type="number")
    CustomField.objects.create(target="contact", key="vip", label="VIP", type="boolean")

    def own_of(user):
        rows = Caller(client, user).get("/fields").data
        return {row["name"] for row in rows if row["name"].startswith("custom.")}

    assert own_of(world.alice) == {"custom.margin", "custom.vip"}
    assert own_of(world.charlie) == set()


def test_a_value_that_does_not_fit_its_type_does_not_stop_another_edit_and_stays(world, client):
    CustomField.objects.create(target="item", key="size", label="Size", type="number")
    deal = world.deal(custom={"size": "about five"})
    sent = {"title": "New", "currency": "PLN", "version": deal.version, "custom.size": "about five"}
    form = ItemForm(deal, sent, user=world.bob)
    assert form.is_valid(), form.errors
    deal.change(form.values(), by=world.bob)
    assert (deal.title, deal.custom["size"]) == ("New", "about five")
    assert not ItemForm(deal, sent | {"custom.size": "about six"}, user=world.bob).is_valid()


def test_options_with_commas_leave_by_file_and_come_back():
    kind, asked = (
        type_of("multi_list"),
        Asked(options=(("Red", "Red"), ("Blue, dark", "Blue, dark"), ("Green", "Green"))),
    )
    for chosen in (["Red", "Blue, dark"], ["Blue, dark"], ["Blue, dark", "Green", "Red"], ["Red", "Green"]):
        assert sorted(kind.cell(kind.exported(chosen), Cells("dmy"), asked)) == sorted(chosen)


def test_an_address_with_its_name_is_read_alike_by_every_door():
    pasted = "Anna Nowak <ANNA@Example.com>"
    assert type_of("email").read(pasted) == "anna@example.com"
    assert type_of("email").form_field().clean(pasted) == "anna@example.com"
    assert type_of("emails").cells(f"{pasted}; b@example.com c@example.com", Cells("dmy"))[0] == [
        "anna@example.com",
        "b@example.com",
        "c@example.com",
    ]
    with pytest.raises(ValidationError):
        type_of("email").form_field().clean("Anna <no address>")
