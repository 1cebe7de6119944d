"""What people type: amounts, dates, times and phones as people of each language write them, one reader at every door."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from crm.ground import amounts, dates, decimals, phones
from crm.ground.forms.amounts import AmountField
from crm.models import ContactPhone, CustomField, Event, FormField, Item, OwnCompany
from tests.crm.test_forms import GOOD, form, send  # noqa: F401

LANGUAGES = ("en", "pl", "fr", "vi")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("typed", "value", "currency"),
    [
        ("1 500,50", "1500.50", ""),
        ("1.500,50", "1500.50", ""),
        ("1500.50", "1500.50", ""),
        ("15.000.000", "15000000", ""),
        ("£1,500", "1500", "GBP"),
        ("1,500", "1500", ""),
        ("1.500", "1500", ""),
        ("12,5 tys. zł", "12500", "PLN"),
        ("12k", "12000", ""),
        ("2,5 mln", "2500000", ""),
        ("15 triệu", "15000000", ""),
        ("1’234.50", "1234.50", ""),
        ("1 234,56 zł", "1234.56", "PLN"),
        ("1\u202f234,56 €", "1234.56", "EUR"),
        ("1500,-", "1500", ""),
        ("(12.50)", "-12.50", ""),
        ("1,50,000", "150000", ""),
        ("１５００", "1500", ""),
        ("US$ 1,200", "1200", "USD"),
        ("450.000 đ", "450000", "VND"),
        ("0,500", "0.5", ""),
    ],
)
def test_money_is_read_alike_in_every_language(language, typed, value, currency):
    with translation.override(language):
        found = amounts.read(typed)
    assert (found.value, found.currency) == (Decimal(value), currency)


@pytest.mark.parametrize(
    "typed",
    ["12 h", "about 1500", "1e99999999", "1500-2000", "1,50.000", "1.2.3", "1 5", "--5", "12 12 zł", "1,500,00"],
)
def test_what_is_no_amount_is_refused_and_never_guessed(typed):
    with pytest.raises(ValidationError):
        amounts.read(typed)


def test_three_digits_after_a_sign_are_read_by_the_language_where_a_currency_has_three_decimals():
    assert amounts.read("1.500", currency="KWD", language="en").value == Decimal("1.5")
    assert amounts.read("1,500", currency="KWD", language="en").value == 1500
    assert amounts.read("1,500", currency="KWD", language="pl").value == Decimal("1.5")


def test_plain_numbers_are_read_by_the_language_only():
    found = {language: amounts.read_number("1,500", language=language) for language in LANGUAGES}
    assert found == {"en": 1500, "pl": Decimal("1.5"), "fr": Decimal("1.5"), "vi": Decimal("1.5")}
    assert amounts.read_number("1.500", language="vi") == 1500


@given(
    value=st.decimals(-(10**8), 10**8, places=4),
    limit=st.sampled_from([decimals.MONEY, decimals.PRICE, decimals.NUMBER, decimals.QUANTITY]),
    language=st.sampled_from(LANGUAGES),
    cut=st.integers(0, 4),
)
def test_what_a_box_shows_is_read_back_as_it_was(value, limit, language, cut):
    kept = round(value, min(cut, limit.places))
    field = AmountField(limit=limit)
    with translation.override(language):
        shown = field.widget.format_value(field.prepare_value(kept))
        assert field.clean(shown) == kept


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("31.12.26", date(2026, 12, 31)),
        ("2026-12-31", date(2026, 12, 31)),
        ("5 marca 2026", date(2026, 3, 5)),
        ("05.03.2026", date(2026, 3, 5)),
        ("5.3.2026 r.", date(2026, 3, 5)),
        ("March 5, 2026", date(2026, 3, 5)),
        ("Mar 5 2026", date(2026, 3, 5)),
        ("Thu, 5 Mar 2026 14:30", date(2026, 3, 5)),
        ("1er mars 2026", date(2026, 3, 1)),
        ("ngày 5 tháng 3 năm 2026", date(2026, 3, 5)),
        ("5-Mar-26", date(2026, 3, 5)),
        ("03/04/2026", date(2026, 4, 3)),
    ],
)
def test_days_are_read_as_people_write_them(typed, day):
    assert dates.read_day(typed) == day


def test_the_month_comes_first_only_where_that_is_said_and_never_before_a_dot():
    assert dates.read_moment("03/04/2026 2:30 PM", dates.MONTH_FIRST) == datetime(2026, 3, 4, 14, 30)
    assert dates.read_day("03.04.2026", dates.MONTH_FIRST) == date(2026, 4, 3)
    assert dates.order_of(["03/04/2026", "12/25/2026"]) == dates.MONTH_FIRST
    assert dates.order_of(["03/04/2026", "25/12/2026"]) == dates.DAY_FIRST
    assert dates.order_of(["03/04/2026"]) == dates.order_of(["25/12/2026", "12/25/2026"]) == ""


@pytest.mark.parametrize("typed", ["12", "tomorrow", "32.1.2026", "12/25/2026", "5 foo 2026", "", "9" * 5000])
def test_what_is_no_day_is_refused(typed):
    with pytest.raises(ValidationError):
        dates.read_day(typed)


def test_times_and_weekdays_are_read_in_the_languages_that_people_use():
    assert [dates.read_time(text) for text in ("18:00", "6 pm", "8h30")] == [time(18), time(18), time(8, 30)]
    names = ("sobota", "Saturday", "samedi", "thứ bảy", "sat", "sob.")
    assert {dates.read_weekday(name) for name in names} == {"sat"}
    for nonsense in ("24:00", "soon"):
        with pytest.raises(ValidationError):
            dates.read_time(nonsense)


@pytest.mark.parametrize(
    ("country", "typed", "number", "extension"),
    [
        ("PL", "22 628-12-34 wew. 12", "+48226281234", "12"),
        ("PL", "+48 (0) 22 628 12 34", "+48226281234", ""),
        ("PL", "48601123456", "+48601123456", ""),
        ("PL", "48 601 123 456", "+48601123456", ""),
        ("PL", "0 601 123 456", "+48601123456", ""),
        ("VN", "0912 345 678", "+84912345678", ""),
        ("VN", "028 3823 4567 máy lẻ 5", "+842838234567", "5"),
        ("FR", "01 42 68 53 00 poste 12", "+33142685300", "12"),
        ("DE", "030/2345678", "+49302345678", ""),
        ("PL", "+48226281234;ext=12", "+48226281234", "12"),
        ("US", "0048 601 123 456", "+48601123456", ""),
    ],
)
def test_phones_are_read_by_the_companys_country(country, typed, number, extension):
    found = phones.parse(typed, country)
    assert (found, found.extension, found.is_checked) == (number, extension, True)
    assert phones.parse(found.whole).extension == extension


def test_a_number_of_a_possible_length_is_kept_and_gets_no_sms_until_somebody_confirms_it(world, client, drain):
    client.force_login(world.bob)
    page = f"/contacts/{world.contact.pk}/"
    data = {
        "name": "Hằng",
        "phones": "+44 7700 900123",
        "emails": "",
        "tags": "",
        "language": "",
        "owner": world.bob.pk,
    }
    assert client.post(f"{page}edit/", data).status_code == 302
    row = ContactPhone.objects.get(contact=world.contact)
    assert row.is_unchecked
    assert "no numbering plan" in client.get(page).content.decode()
    world.rule("talk", "send_sms", {"text": "Hello"})
    first = world.deal()
    world.move(first, "talk")
    drain()
    assert "numbering plan" in world.runs(first)[-1].error
    client.post(f"{page}address/", {"address": row.number})
    row.refresh_from_db()
    assert not row.is_unchecked


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("typed", "amount"),
    [("1 500,50", "1500.50"), ("1.500,50", "1500.50"), ("15.000.000", "15000000"), ("1,500", "1500")],
)
def test_a_public_form_takes_money_as_its_readers_write_it(world, form, client, drain, language, typed, amount):  # noqa: F811
    form.language = language
    form.save()
    assert send(client, **GOOD | {"budget": typed}).status_code == 200
    drain()
    assert Item.objects.get().amount == Decimal(amount)


def test_pounds_where_euros_were_asked_for_are_kept_and_noted(world, form, client, drain):  # noqa: F811
    assert world.pipeline.currency != "GBP"
    assert send(client, **GOOD | {"budget": "£1,500"}).status_code == 200
    drain()
    item = Item.objects.get()
    assert (item.amount, item.currency) == (1500, "GBP")
    assert "GBP" in Event.objects.get(item=item, kind="comment.added").data("text")


@pytest.mark.parametrize("typed", ["about 1500", "9999999999999999.99", "1e99999999"])
def test_an_amount_that_cannot_be_read_never_costs_the_lead(world, form, client, drain, typed):  # noqa: F811
    assert send(client, **GOOD | {"budget": typed}).status_code == 200
    drain()
    item = Item.objects.get()
    assert item.amount is None
    assert typed in Event.objects.get(item=item, kind="comment.added").data("text")


def test_an_own_number_of_a_form_is_read_by_the_language_and_stays_what_it_is(world, form, client, drain):  # noqa: F811
    CustomField.objects.create(target="item", key="width", label="Width", type="number")
    FormField.objects.filter(form=form, key="budget").update(kind="number", saves_to="item.custom.width")
    form.language = "pl"
    form.save()
    send(client, **GOOD | {"budget": "1,500"})
    drain()
    assert Decimal(Item.objects.get().custom["width"]) == Decimal("1.5")


def test_a_number_field_that_is_saved_as_the_amount_keeps_its_value(world, form, client, drain):  # noqa: F811
    FormField.objects.filter(form=form, key="budget").update(kind="number")
    form.language = "pl"
    form.save()
    send(client, **GOOD | {"budget": "1,500"})
    drain()
    assert Item.objects.get().amount == Decimal("1.50")


def test_a_phone_with_its_extension_reaches_the_contact(world, form, client, drain):  # noqa: F811
    OwnCompany.objects.update(country="PL")
    send(client, **GOOD | {"phone": "22 628-12-34 wew. 12"})
    drain()
    row = ContactPhone.objects.get(contact=Item.objects.get().contact)
    assert (row.number, row.extension, str(row)) == ("+48226281234", "12", "+48 22 628 12 34 ext. 12")


def test_a_phone_that_is_none_stays_on_the_card_as_text(world, form, client, drain):  # noqa: F811
    FormField.objects.filter(form=form, key="phone").update(required=False)
    assert send(client, **GOOD | {"phone": "ask my wife"}).status_code == 200
    drain()
    item = Item.objects.get()
    assert not item.contact.phones.exists()
    assert "ask my wife" in Event.objects.get(item=item, kind="comment.added").data("text")


def test_an_address_with_polish_letters_is_taken(world, form, client, drain):  # noqa: F811
    assert send(client, **GOOD | {"email": "kontakt@żółw.example"}).status_code == 200
    drain()
    assert Item.objects.get().contact.emails.exists()


def test_the_new_deal_dialog_reads_thousands_and_refuses_another_currency(world, client):
    client.force_login(world.bob)
    address = f"/board/{world.pipeline.pk}/new/"
    assert client.post(address, {"title": "A", "amount": "1,500"}).status_code == 204
    assert Item.objects.get(title="A").amount == 1500
    refused = client.post(address, {"title": "B", "amount": "£1,500"})
    assert refused.status_code == 422
    assert "is in GBP" in refused.content.decode()
