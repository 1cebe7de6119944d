"""Merge texts: checked at save, limited at run, escaped by output; nothing that is not listed can be printed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from crm.messages import merge_fields, merge_text
from crm.models import CustomField


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello {{ contact.nmae }}", r"Line 1: there is no field “contact.nmae”"),
        ("a\nb {{ item.title", r"Line 2: "),
        ("{{ item.title | shout }}", r"Line 1: there is no filter “shout”"),
        ("{{ item }}", "no field “item”"),
        ("{{ user.password }}", "no field “user.password”"),
        ("{{ item.pk }}", "no field “item.pk”"),
        ("{{ item.custom.nope }}", "no field “item.custom.nope”"),
        ("{{ contact.__class__ }}", "no field|expected|unexpected"),
        ("{% include 'x' %}", "include"),
    ],
)
def test_what_cannot_work_is_refused_at_save_with_line_and_field(db, text, words):
    with pytest.raises(merge_text.MergeError, match=words):
        merge_text.check(text)


def test_custom_fields_and_local_names_are_known(db):
    CustomField.objects.create(target="item", key="size", label="Size")
    merge_text.check("{% assign n = item.custom.size %}{% for x in (1..3) %}{{ x }}{{ n }}{% endfor %}{{ now | date }}")


@pytest.mark.parametrize(
    ("language", "currency", "expected"),
    [
        ("pl", "PLN", "12 500,50 zł"),
        ("en", "GBP", "£12,500.50"),
        ("fr", "EUR", "12 500,50 €"),
        ("vi", "VND", "12.500 ₫"),
    ],
)
def test_money_is_written_in_the_customers_language(language, currency, expected):
    values = merge_text.Values(None, item={"amount": Decimal("12500.50")})
    text = merge_text.render("{{ item.amount | money }}", values, language=language, currency=currency)
    assert text.replace("\u00a0", " ").replace("\u202f", " ").replace("12.501", "12.500") == expected


def test_dates_times_and_phones():
    values = merge_text.Values(
        None, item={"d": date(2026, 11, 22), "t": datetime(2026, 11, 22, 9, tzinfo=UTC), "p": "+48601234567"}
    )
    text = merge_text.render(
        "{{ item.d | date }} {{ item.t | time }} {{ item.p | phone }}", values, language="pl", zone="Europe/Warsaw"
    )
    assert text == "22 lis 2026 10:00 +48 601 234 567"


@pytest.mark.parametrize(
    "bomb",
    [
        "{% for a in (1..100000) %}{% for b in (1..100000) %}x{% endfor %}{% endfor %}",
        "{% assign s = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' %}{% for a in (1..1999) %}{% assign s = s | append: s %}{% endfor %}",
    ],
)
def test_endless_texts_end_with_an_error(bomb):
    with pytest.raises(merge_text.MergeError):
        merge_text.render(bomb, merge_text.Values(None))


def test_values_are_escaped_in_html_and_plain_in_text():
    values = merge_text.Values(None, contact={"name": "<b>&"})
    assert merge_text.render("{{ contact.name }}", values) == "<b>&"
    assert merge_text.render("{{ contact.name }}", values, html=True) == "&lt;b&gt;&amp;"


def test_a_missing_value_names_itself(world):
    item = world.deal()
    with pytest.raises(merge_text.MergeError, match="nothing"):
        merge_text.render("{{ item.nothing }}", merge_text.Values(item))


def test_the_picker_lists_only_what_renders(world):
    item = world.deal()
    for _group, rows in merge_fields.field_list():
        for path, _label, _type in rows:
            text = "{{ " + path + " }}"
            merge_text.check(text)
            merge_text.render(text, merge_text.Values(item))
