"""A number that can be stored can be read: one limit at every door, exact sums, and no page stopped by a broken row."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from automation.actions.change_fields import typed
from crm.ground.columns.decimals import ExactSum, LimitedField
from crm.ground.decimals import MONEY, NUMBER, Unreadable
from crm.items.listing import replace_lines
from crm.migrations import __name__ as migrations_package
from crm.models import (
    ApiToken,
    CurrencyRate,
    CustomField,
    Event,
    FormField,
    Item,
    LineItem,
    Notification,
    Refused,
    Submission,
    WebForm,
)
from crm.pipelines.upgrades import Column, take_out
from documents.models import Payment
from tests.crm.test_forms import GOOD, send
from tests.crm.test_imports import bring  # noqa: F401

TOO_LARGE = ["9999999999999999.99", "-9999999999999999.99", "8999999999999999.99", "10000000000000", "1e99999999"]
LARGEST = ["9999999999999.99", "-9999999999999.99", "1234567890123.45", "0.01"]
on_sqlite = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="PostgreSQL's numeric(15, 2) takes no such value"
)


@pytest.fixture
def bob(world, client):
    client.force_login(world.bob)
    return client


@pytest.fixture
def token(world):
    _row, secret = ApiToken.make(world.bob, "test", ["read", "write"])
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


@pytest.fixture
def own_numbers(world):
    CustomField.objects.create(key="size", label="Size", type="number")
    CustomField.objects.create(key="worth", label="Worth", type="money")


def pages_of(world, client, token):
    """Every page that shows an item's amount answers."""
    item = Item.objects.latest("pk")
    board = f"/board/{world.pipeline.pk}/"
    for address in (
        board,
        f"{board}list/",
        f"{board}totals/",
        f"{board}totals/?show=weighted",
        f"{board}export.csv",
        f"{board}export.xlsx",
        f"/items/{item.pk}/",
        f"/items/{item.pk}/edit/",
        f"/search/?q={item.title[:5]}",
        f"/analytics/{world.pipeline.pk}/",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        yield address, b"".join(answer) if answer.streaming else answer.content
    for address in ("/api/v1/items", f"/api/v1/items/{item.pk}"):
        answer = client.get(address, **token)
        assert answer.status_code == 200, answer.content
        yield address, answer.content


def test_every_decimal_of_ours_has_a_limit_that_both_databases_hold():
    for model in apps.get_models():
        if model._meta.app_label not in ("crm", "automation", "documents"):
            continue
        for field in model._meta.concrete_fields:
            if isinstance(field, models.DecimalField):
                assert isinstance(field, LimitedField), f"{model.__name__}.{field.name}"
                assert field.max_digits <= 15
                assert field.db_check(connection)


@pytest.mark.parametrize("language", ["en", "pl", "vi"])
def test_the_administration_shows_and_reads_a_rate_with_all_its_places(world, client, language):
    with translation.override(language):  # put back afterwards
        world.alice.language = language
        world.alice.save()
        client.force_login(world.alice)
        rate = CurrencyRate.objects.create(currency="VND", rate=Decimal("0.00016125"))
        address = f"/admin/crm/currencyrate/{rate.pk}/change/"
        shown = re.search(r'name="rate" value="([^"]+)"', client.get(address).content.decode())[1]
        assert client.post(address, {"currency": "VND", "rate": shown}).status_code == 302
        rate.refresh_from_db()
        assert rate.rate == Decimal("0.00016125")
        # A dot after a nought groups no thousands, in Vietnamese either.
        for typed_in in ("0.125", "0.125" if language == "en" else "0,125"):
            assert client.post(address, {"currency": "VND", "rate": typed_in}).status_code == 302
            rate.refresh_from_db()
            assert rate.rate == Decimal("0.125")


# ---------------------------------------------------------------------- doors


def through_quick_create(world, client, token, text):
    return client.post(
        f"/board/{world.pipeline.pk}/new/", {"title": "Oak", "amount": text, "stage": world.stages["new"].pk}
    )


def through_inline_field(world, client, token, text):
    item = world.deal()
    return client.post(f"/items/{item.pk}/field/amount/", {"value": text, "was": "null"})


def through_api(world, client, token, text):
    body = json.dumps({"title": "Oak", "pipeline": world.pipeline.pk, "amount": text})
    return client.post("/api/v1/items", body, "application/json", **token)


def through_api_patch(world, client, token, text):
    item = world.deal()
    body = json.dumps({"amount": text, "custom": {"worth": text}})
    return client.patch(f"/api/v1/items/{item.pk}", body, "application/json", **token)


def through_a_rule(world, client, token, text):
    item = world.deal()
    item.change({"amount": typed(item.machine(), "amount", text, item.currency)})


def through_the_shell(world, client, token, text):
    Item.create(world.pipeline, "Oak", amount=Decimal(text))


def through_an_update(world, client, token, text):
    Item.objects.filter(pk=world.deal().pk).update(amount=Decimal(text))


DOORS = [
    through_quick_create,
    through_inline_field,
    through_api,
    through_api_patch,
    through_a_rule,
    through_the_shell,
    through_an_update,
]


def tried(door, world, client, token, text):
    """Whether the door took it; a refusal is in words, never a fault of ours."""
    try:
        with transaction.atomic():
            answer = door(world, client, token, text)
    except (Refused, ValidationError) as refused:
        words = getattr(refused, "sentence", "") or refused.messages[0]
        if not words:
            raise
        return False
    assert answer is None or answer.status_code in (200, 201, 204, 422), answer.content
    return answer is None or answer.status_code < 300


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", TOO_LARGE)
def test_what_no_column_holds_is_refused_in_words_at_every_door(world, bob, token, own_numbers, door, text):
    assert not tried(door, world, bob, token, text)
    assert not Item.objects.filter(amount__isnull=False).exists()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", LARGEST)
def test_the_largest_that_fits_is_given_back_to_the_cent(world, bob, token, own_numbers, door, text):
    assert tried(door, world, bob, token, text)
    assert Item.objects.latest("pk").amount == Decimal(text)
    shown = dict(pages_of(world, bob, token))
    assert json.loads(shown["/api/v1/items"])["items"][0]["amount"] == str(Decimal(text))


NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(min_value=-(10**14), max_value=10**14, places=2).map(str),
    st.from_regex(r"-?[0-9]{1,20}([.,][0-9]{0,10})?(e[0-9]{1,9})?", fullmatch=True),
)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=NUMBERS, door=st.sampled_from(DOORS))
@example(text="NaN", door=through_the_shell)
@example(text="-Infinity", door=through_an_update)
@example(text="sNaN", door=through_api)
def test_whatever_a_door_takes_every_page_can_read(world, bob, token, own_numbers, text, door):
    with transaction.atomic():
        try:
            Decimal(text)
        except ArithmeticError:
            door = through_api
        taken = tried(door, world, bob, token, text)
        if taken:
            kept = Item.objects.latest("pk").amount
            assert kept is None or MONEY.holds(kept)
            list(pages_of(world, bob, token))
        transaction.set_rollback(True)


@pytest.mark.parametrize(("key", "most"), [("size", "999999999.999999"), ("worth", "9999999999999.99")])
def test_own_numbers_have_their_limits_too(world, bob, token, own_numbers, key, most):
    item = world.deal()
    for text, status in ((most, 200), (f"-{most}", 200), ("1000000000000000", 422), ("NaN", 422)):
        body = json.dumps({"custom": {key: text}})
        assert bob.patch(f"/api/v1/items/{item.pk}", body, "application/json", **token).status_code == status, text
    assert bob.post(f"/items/{item.pk}/field/custom.{key}/", {"value": "1e15", "was": ""}).status_code == 422
    item.refresh_from_db()
    assert item.custom[key] == f"-{most}"
    assert NUMBER.most == Decimal("999999999.999999")


@pytest.mark.parametrize("cell", ["9999999999999999.99", "1e15", "10 000 000 000 000,00"])
def test_an_import_refuses_the_row_and_says_why(world, bob, bring, cell):  # noqa: F811
    made = bring(f"title;amount\nBig;{cell}\nSmall;9 999 999 999 999,99\n", f"items:{world.pipeline.pk}")
    counts = made.counts()
    assert (counts["created"], counts["failed"]) == (1, 1), counts
    assert made.rows.get(outcome="failed").reason
    assert Item.objects.get().amount == MONEY.most


# ---------------------------------------------------------------------- the web form: a lead is never lost


@pytest.fixture
def form(world):
    made = WebForm.objects.create(
        name="Order", slug="order", pipeline=world.pipeline, heading="Order", thanks="Thank you!", language="en"
    )
    rows = [
        ("name", "name", "contact.name"),
        ("phone", "phone", "contact.phone"),
        ("email", "email", "contact.email"),
        ("budget", "money", "item.amount"),
        ("size", "text", "item.custom.size"),
    ]
    for order, (key, kind, target) in enumerate(rows):
        FormField.objects.create(form=made, key=key, kind=kind, label=key.capitalize(), saves_to=target, order=order)
    return made


@pytest.mark.parametrize("language", ["en", "pl", "fr", "vi"])
@pytest.mark.parametrize("budget", [*TOO_LARGE[:1], "1e99999999", "about 1500", "NaN"])
def test_a_budget_that_cannot_be_kept_loses_no_lead(world, form, own_numbers, client, token, drain, budget, language):
    WebForm.objects.update(language=language)
    assert send(client, **GOOD | {"budget": budget, "size": "huge"}).status_code == 200
    drain()
    assert Submission.objects.get().status == "done"
    item = Item.objects.get()
    assert item.amount is None
    assert "size" not in item.custom
    notes = [event.payload["text"] for event in Event.objects.filter(item=item, kind="comment.added")]
    assert len(notes) == 2
    assert any(budget in note for note in notes)
    assert Submission.objects.get().answers["budget"] == budget
    client.force_login(world.bob)
    list(pages_of(world, client, token))


def test_a_needed_amount_is_asked_for_again(world, form, client):
    FormField.objects.filter(key="budget").update(required=True)
    answer = send(client, **GOOD | {"budget": "9999999999999999.99"})
    assert answer.status_code == 422
    assert "9999999999999999.99" in answer.content.decode()


# ---------------------------------------------------------------------- what is computed


def test_a_rate_that_makes_an_amount_too_large_is_refused_and_names_the_card(world):
    world.deal("Golden table", amount=Decimal("5000000000000"), currency="EUR")
    with pytest.raises(ValidationError, match="Golden table"):
        CurrencyRate.objects.create(currency="EUR", rate=Decimal("4.3"))
    CurrencyRate.objects.create(currency="EUR", rate=Decimal("1.9"))
    with pytest.raises(Refused, match="too large"):
        world.deal(amount=Decimal("6000000000000"), currency="EUR")
    item = world.deal(amount=Decimal("100"), currency="EUR")
    with pytest.raises(Refused, match="too large"):
        item.change({"amount": Decimal("6000000000000")})
    item.refresh_from_db()
    assert item.base_amount == Decimal("190.00")


def test_lines_that_come_to_too_much_are_refused_before_anything_is_written(world):
    item = world.deal(currency="EUR")
    replace_lines(item, [LineItem(name="Table", price=Decimal(100), quantity=Decimal(2))])
    big = {"price": Decimal("99999999999.9999"), "tax_percent": Decimal(23), "tax_name": "23 %"}
    for lines in (
        [LineItem(name="Table", quantity=Decimal("1000"), **big)],
        [LineItem(name="Table", quantity=Decimal("99"), **big)],  # with the tax
        [LineItem(name="Table", quantity=Decimal("60"), **big) for _ in range(2)],
    ):
        with pytest.raises(Refused, match="more than an amount may be"):
            replace_lines(item, lines)
    item.refresh_from_db()
    assert (item.amount, item.lines.count()) == (200, 1)


def test_a_payment_is_no_larger_than_an_amount(world):
    item = world.deal(amount=Decimal(10), currency="PLN")
    with pytest.raises(Refused, match="too large"):
        Payment.book(item, Decimal("1e13"), currency="PLN", paid_on=item.created_at.date())


# ---------------------------------------------------------------------- sums


@pytest.mark.parametrize(
    ("amount", "count"),
    [("9999999999999.99", 100_000), ("1234567.89", 10_000), ("7000000000000", 10_000), ("-0.01", 3)],
)
def test_sums_are_exact_to_the_cent(world, bob, amount, count):
    item = world.deal(currency="PLN")
    shape = {
        field.attname: getattr(item, field.attname)
        for field in Item._meta.concrete_fields
        if field.attname not in ("id", "visit_id", "amount", "base_amount")
    }
    rows = [Item(**shape, amount=Decimal(amount), base_amount=Decimal(amount)) for _ in range(count)]
    Item.objects.bulk_create(rows, batch_size=1000)
    sums = Item.objects.aggregate(sum=ExactSum("amount"), base=ExactSum("base_amount"), other=ExactSum("lines__price"))
    assert sums == {"sum": Decimal(amount) * count, "base": Decimal(amount) * count, "other": None}
    world.stages["new"].probability = 30
    world.stages["new"].save()
    entry = bob.get(f"/board/{world.pipeline.pk}/totals/?show=weighted").context["totals"]
    assert next(iter(entry))["sums"] == [(Decimal(amount) * count * 30 / 100, "PLN")]


# ---------------------------------------------------------------------- broken rows


def broken(item, value, column="amount"):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints=ON")
        cursor.execute(f"UPDATE crm_item SET {column} = %s WHERE id = %s", [value, item.pk])
        cursor.execute("PRAGMA ignore_check_constraints=OFF")


def test_the_database_itself_refuses_it(world):
    item = world.deal()
    with pytest.raises(Exception, match=r"constraint|overflow"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE crm_item SET amount = 10000000000000 WHERE id = %s", [item.pk])
    if connection.vendor == "sqlite":
        for value in ("nonsense", 9e999):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("UPDATE crm_item SET amount = %s WHERE id = %s", [value, item.pk])


@on_sqlite
@pytest.mark.parametrize("value", [9999999999999999.99, "nonsense", 9e999, b"\x00"])
def test_a_broken_row_says_so_and_the_page_goes_on(world, bob, token, value):
    fine = world.deal("Other table", amount=Decimal(42), currency="PLN")
    item = world.deal("Broken table", amount=Decimal(7), currency="PLN")
    broken(item, value)
    broken(item, value, "base_amount")
    for address, content in pages_of(world, bob, token):
        if "totals" in address:
            assert ("weighted" in address) or b"42" in content
        elif "api" in address:
            assert b'"unreadable": ["amount"]' in content
        elif not any(word in address for word in ("analytics", "xlsx", "edit", "search")):
            assert b"cannot be read" in content, address
    with translation.override("pl"):
        assert str(Item.objects.get(pk=item.pk).amount) != "NaN"
    # Another field cannot be saved beside it, which is said in words; the amount itself can be entered anew.
    with pytest.raises(Refused, match="cannot be read"):
        item.change({"source": "fair"})
    assert world.move(item, "talk").item.stage == world.stages["talk"]
    item.change({"amount": Decimal(8)})
    item.refresh_from_db()
    assert (item.amount, item.base_amount, fine.amount) == (8, 8, 42)


def test_what_cannot_be_read_stays_so_however_one_reckons():
    value = Unreadable()
    assert isinstance(Decimal(1) + value * 2 - 3, Unreadable)
    assert not value > 0
    assert not value < 0
    assert max(value, Decimal(0)) is value
    assert str(sum([Decimal(1), value], Decimal(0))) == "cannot be read"


@on_sqlite
def test_the_upgrade_takes_out_what_cannot_be_read_and_notes_it_on_the_card(world, capsys):
    from importlib import import_module

    item, fine = world.deal("Broken table"), world.deal("Fine", amount=MONEY.most)
    rate = CurrencyRate.objects.create(currency="EUR", rate=Decimal(4))
    broken(item, 9999999999999999.99)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints=ON")
        cursor.execute("UPDATE crm_currencyrate SET rate = 1e12 WHERE id = %s", [rate.pk])
        cursor.execute("PRAGMA ignore_check_constraints=OFF")
    columns = import_module(f"{migrations_package}.0016_numbers_that_can_be_read").COLUMNS
    assert all(isinstance(column, Column) for column in columns)
    for _again in range(2):
        take_out(columns, apps, connection.schema_editor(atomic=False))
    item.refresh_from_db()
    fine.refresh_from_db()
    assert (item.amount, fine.amount, CurrencyRate.objects.count()) == (None, MONEY.most, 0)
    note = Event.objects.get(item=item, kind="comment.added")
    assert "10000000000000000" in note.payload["text"]
    assert "10000000000000000" in Notification.objects.get(user=world.alice).text
    assert f"{item.pk}" in capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "pl", "fr", "vi"])
def test_an_own_number_is_shown_so_that_its_box_reads_it_back(own_numbers, language):
    definition = CustomField.objects.get(key="size")
    with translation.override(language):
        field = definition.field.form_field()
        shown = field.widget.format_value(field.prepare_value(definition.field.type.initial("2.125")))
        assert field.clean(shown) == Decimal("2.125")


def test_a_budget_below_nothing_becomes_no_amount(world, form, client, drain):
    assert send(client, **GOOD | {"budget": "-1000000"}).status_code == 200
    drain()
    item = Item.objects.get()
    assert item.amount is None
    assert "-1000000" in Event.objects.get(item=item, kind="comment.added").payload["text"]


def test_a_budget_below_nothing_becomes_no_money_of_our_own_fields_either(world, form, own_numbers, client, drain):
    FormField.objects.filter(key="budget").update(saves_to="item.custom.worth")
    assert send(client, **GOOD | {"budget": "-1000000"}).status_code == 200
    drain()
    item = Item.objects.get()
    assert "worth" not in item.custom
    assert "-1000000" in Event.objects.get(item=item, kind="comment.added").payload["text"]
