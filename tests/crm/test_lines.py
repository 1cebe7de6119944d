"""What is sold: lines, their taxes, the total that becomes the amount."""

import html
from decimal import Decimal

import pytest

from crm.items.listing import replace_lines
from crm.items.models.lines import Totals
from crm.models import Event, Item, LineItem, OwnCompany, Product, Refused, TaxRate


@pytest.fixture
def bob(world, client):
    client.force_login(world.bob)
    return client


def line(price, quantity="1", tax="23", **more):
    return LineItem(
        name=more.pop("name", "Table"),
        price=Decimal(price),
        quantity=Decimal(quantity),
        tax_name=f"{tax} %" if tax else "zw.",
        tax_percent=Decimal(tax) if tax else None,
        **more,
    )


def test_the_tax_is_worked_out_once_a_rate_on_its_sum():
    totals = Totals.of([line("0.99") for _ in range(3)] + [line("10", tax="8"), line("5", tax="")], "PLN")
    # 3 × 0.99 = 2.97; 23 % of it is 0.6831. Rounded on each line it would be 0.69.
    assert [(str(rate.net), str(rate.tax), str(rate.gross)) for rate in totals.rates] == [
        ("2.97", "0.68", "3.65"),
        ("10.00", "0.80", "10.80"),
        ("5.00", "0.00", "5.00"),
    ]
    assert (totals.net, totals.tax, totals.gross) == (Decimal("17.97"), Decimal("1.48"), Decimal("19.45"))


def test_a_price_that_includes_the_tax_stays_the_price():
    totals = Totals.of([line("123", tax_included=True)], "EUR")
    assert (totals.net, totals.tax, totals.gross) == (Decimal("100.00"), Decimal("23.00"), Decimal("123.00"))


@pytest.mark.parametrize(("currency", "sum_"), [("VND", "1235"), ("EUR", "1234.50"), ("KWD", "1234.500")])
def test_sums_have_the_decimals_of_their_currency(currency, sum_):
    assert str(line("1234.5", tax="0").amount(currency)) == sum_


def test_a_discount_is_taken_from_the_line():
    assert line("200", "2", discount=Decimal("12.5")).amount("EUR") == Decimal("350.00")


def test_a_discount_may_be_an_amount_off_the_line():
    assert line("200", "2", discount_amount=Decimal("49.90")).amount("EUR") == Decimal("350.10")


def test_a_line_below_zero_lowers_its_own_rate():
    totals = Totals.of([line("100", "3"), line("-50"), line("20", "-1", tax="8")], "PLN")
    assert [(str(rate.net), str(rate.tax)) for rate in totals.rates] == [("250.00", "57.50"), ("-20.00", "-1.60")]
    assert totals.gross == Decimal("285.90")


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"discount": Decimal(5), "discount_amount": Decimal(5)}, "one discount"),
        ({"discount_amount": Decimal("100.01")}, "more than the line"),
        ({"quantity": "-1", "discount_amount": Decimal(1)}, "more than the line"),
    ],
)
def test_a_discount_that_cannot_be_is_said(more, fault):
    assert fault in line("100", **more).faults("EUR")["discount_amount"]


def test_dong_have_no_discount_of_a_tenth():
    assert "VND" in line("100", discount_amount=Decimal("0.5")).faults("VND")["discount_amount"]


@pytest.mark.django_db
def test_lines_below_zero_together_are_refused_and_stay_in_the_form(world, bob):
    item = world.deal(currency="EUR")
    with pytest.raises(Refused, match="less than nothing"):
        replace_lines(item, [line("100"), line("-100.01")], by=world.bob)
    sent = {"rows": 1, "l0-name": "Advance", "l0-price": "-500", "l0-quantity": "1"}
    answer = bob.post(f"/items/{item.pk}/lines/", sent)
    page = answer.content.decode()
    assert (answer.status_code, "less than nothing" in page, 'value="-500"' in page) == (422, True, True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "typed", "percent", "amount"),
    [
        ("en", "10", "10", "0"), ("en", "12.5 %", "12.5", "0"), ("pl", "12,5%", "12.5", "0"), ("en", "€50", "0", "50"),
        ("pl", "49,90 EUR", "0", "49.9"), ("fr", "1\u202f000,50 €", "0", "1000.5"), ("vi", "1.000 EUR", "0", "1000"),
    ],
)  # fmt: skip
def test_a_discount_is_typed_in_percent_or_as_an_amount_and_comes_back_so(world, bob, language, typed, percent, amount):
    world.bob.language = language
    world.bob.save()
    item = world.deal(currency="EUR")
    sent = {"rows": 1, "l0-name": "Table", "l0-price": "2000", "l0-quantity": "1", "l0-discount": typed}
    assert bob.post(f"/items/{item.pk}/lines/", sent).status_code == 302
    for _again in range(2):
        kept = item.lines.get()
        assert (kept.discount, kept.discount_amount) == (Decimal(percent), Decimal(amount))
        page = bob.get(f"/items/{item.pk}/lines/", headers={"HX-Request": "true"}).content.decode()
        shown = page.split('name="l0-discount" value="')[1].split('"')[0]
        assert bob.post(f"/items/{item.pk}/lines/", sent | {"l0-discount": html.unescape(shown)}).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["150", "-5", "50 GBP", "2000,01 EUR", "a lot"])
def test_a_discount_that_cannot_be_read_is_said_at_its_field(world, bob, typed):
    world.bob.language = "pl"
    world.bob.save()
    item = world.deal(currency="EUR")
    sent = {"rows": 1, "l0-name": "Table", "l0-price": "2000", "l0-quantity": "1", "l0-discount": typed}
    answer = bob.post(f"/items/{item.pk}/lines/", sent)
    page = answer.content.decode()
    assert (answer.status_code, page.count('class="err"'), f'value="{typed}"' in page) == (422, 1, True)


@pytest.mark.django_db
def test_the_total_becomes_the_amount_and_the_history_tells(world):
    item = world.deal(currency="EUR")
    replace_lines(item, [line("100", "3")], by=world.bob)
    item.refresh_from_db()
    assert item.amount == Decimal("369.00")
    assert Event.objects.filter(item=item, kind="lines.changed").get().payload["count"] == 1
    replace_lines(item, [], by=world.bob)
    item.refresh_from_db()
    assert (item.lines.count(), item.amount) == (0, Decimal("369.00"))


@pytest.mark.django_db
def test_lines_are_typed_on_the_card(world, bob):
    item = world.deal(currency="EUR")
    TaxRate.objects.create(name="23 %", percent=23, is_default=True)
    oak = Product.objects.create(name="Stół dębowy", price=1000, currency="EUR")
    assert "Stół" in bob.get("/products/suggest/?q=stol").json()["products"][0]["name"]
    rows = {
        "rows": 2, "l0-product": oak.pk, "l0-name": "Stół dębowy", "l0-quantity": "2", "l0-price": "1000.50",
        "l0-discount": "", "l0-tax": "23 %", "l0-unit": "szt.", "l1-name": "", "l1-quantity": "1", "l1-price": "",
        "l1-tax": "",
    }  # fmt: skip
    # The empty row shows one piece already: it is no line. A price without a name is asked about.
    assert bob.post(f"/items/{item.pk}/lines/", rows | {"l1-price": "5"}).status_code == 422
    assert bob.post(f"/items/{item.pk}/lines/", rows).status_code == 302
    kept = item.lines.get()
    assert (kept.product, kept.tax_percent, kept.unit) == (oak, Decimal(23), "szt.")
    assert Item.objects.get(pk=item.pk).amount == Decimal("2461.23")
    page = bob.get(f"/items/{item.pk}/").content.decode()
    assert "Stół dębowy" in page
    TaxRate.objects.all().delete()
    page = bob.get(f"/items/{item.pk}/lines/").content.decode()
    assert "Stół dębowy" in page
    assert 'value="23 %" selected' in page  # agreed with a rate that has been taken out since


@pytest.mark.django_db
def test_what_cannot_be_a_line_is_said_at_its_field_and_kept(world, bob):
    item = world.deal()
    rows = {"rows": 1, "l0-name": "Table", "l0-quantity": "two", "l0-price": "", "l0-tax": "99 %"}
    answer = bob.post(f"/items/{item.pk}/lines/", rows)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="two"' in page
    assert page.count('class="err"') == 3
    assert item.lines.count() == 0


@pytest.mark.django_db
def test_charlie_changes_no_lines(world, client):
    client.force_login(world.charlie)
    assert client.post(f"/items/{world.deal().pk}/lines/", {"rows": 0}).status_code == 404


@pytest.mark.django_db
def test_prices_that_include_the_tax_are_a_setting_of_the_company(world, bob):
    OwnCompany.objects.update(prices_include_tax=True)
    TaxRate.objects.create(name="20 %", percent=20)
    item = world.deal()
    bob.post(f"/items/{item.pk}/lines/", {"rows": 1, "l0-name": "Lamp", "l0-price": "120", "l0-tax": "20 %"})
    assert Item.objects.get(pk=item.pk).amount == Decimal("120.00")
    assert item.lines.get().tax_included


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "typed", "amount"),
    [
        ("vi", "450.000", "450000"), ("vi", "1.250.000,5", "1250000.5"), ("vi", "12,5", "12.5"), ("pl", "1 200,50", "1200.5"),
        ("pl", "1.5", "1.5"), ("en", "1,200.50", "1200.5"), ("en", "12.5", "12.5"), ("fr", "1\u202f200,50", "1200.5"),
    ],
)  # fmt: skip
def test_prices_are_read_as_people_of_the_language_write_them(language, typed, amount):
    from django.utils import translation

    from crm.ground.forms.amounts import AmountField

    with translation.override(language):
        assert AmountField(localize=True).clean(typed) == Decimal(amount)


@pytest.mark.django_db
def test_lines_that_somebody_else_changed_meanwhile_are_not_overwritten_unseen(world, bob):
    item = world.deal()
    replace_lines(item, [line("1")], by=world.bob)
    page = bob.get(f"/items/{item.pk}/lines/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page  # the editor alone, put onto the card by its script
    was = page.split('name="was" value="')[1].split('"')[0]
    replace_lines(item, [line("2"), line("3")], by=world.alice)
    sent = {"rows": 1, "was": was, "l0-name": "Mine", "l0-price": "9", "l0-tax": "23 %"}
    answer = bob.post(f"/items/{item.pk}/lines/", sent)
    page = answer.content.decode()
    assert (answer.status_code, item.lines.count(), 'value="Mine"' in page) == (422, 2, True)
    bob.post(f"/items/{item.pk}/lines/", sent | {"was": page.split('name="was" value="')[1].split('"')[0]})
    assert [kept.name for kept in item.lines.all()] == ["Mine"]


@pytest.mark.django_db
def test_a_line_keeps_the_percent_that_it_was_agreed_with(world, bob):
    rate = TaxRate.objects.create(name="VAT", percent=20)
    item = world.deal()
    sent = {"rows": 1, "l0-name": "Lamp", "l0-price": "100", "l0-tax": "VAT"}
    bob.post(f"/items/{item.pk}/lines/", sent)
    rate.percent = 25
    rate.save()
    bob.post(f"/items/{item.pk}/lines/", sent | {"l0-quantity": "2"})
    assert item.lines.get().tax_percent == Decimal(20)
