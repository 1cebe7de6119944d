"""One text cannot stop the house: whatever a merge text does, it ends soon and says what is wrong in one sentence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.messages import merge_text
from crm.messages.merge_budget import MOST_ROWS, MOST_TEXT, without_tags
from crm.models import Item, Submission, WebForm
from tests.crm.test_forms import GOOD, form, send  # noqa: F401

DOUBLED = "{% assign a = 'aaaaaaaaaa' %}"

TOO_MUCH = {
    "a range": "{{ (1..1500000000) | sum }}",
    "a range compared": "{% if (1..1500000000) contains 'a' %}{% endif %}",
    "a range printed": "{{ (1..1500000000) }}",
    "a range in a loop": "{% for i in (1..1500000000) %}{% endfor %}",
    "replaced into itself": DOUBLED + "{% assign a = a | replace: 'a', a %}" * 8,
    "appended to itself": DOUBLED + "{% assign a = a | append: a %}" * 40,
    "joined": DOUBLED + "{% assign a = a | append: a %}" * 12 + "{{ a | split: '' | join: a }}",
    "multiplied": "{{ 99999999999999999999999 | times: 99999999999999999999999 }}",
    "an exponent": "{{ '1e999999999' | ceil }}",
    "an exponent added to": "{{ '1e999999999' | plus: 1 }}",
    "empty turns": "{% for i in (1..2000) %}" + "{% if 1 == 2 %}{% endif %}" * 1800 + "{% endfor %}",
    "full turns": "{% for i in (1..2000) %}" + "{{ 1 }}" * 5000 + "{% endfor %}",
    "rows": "{% tablerow i in (1..2000) %}" + "{% if 1 == 2 %}{% endif %}" * 1800 + "{% endtablerow %}",
}
NO_LIQUID_ERROR = {
    "a number as a date": "{{ 5 | date }}",
    "infinite money": "{{ '1e999' | money }}",
    "bytes": "{{ '/w==' | base64_decode }}",
    "a style of dates": "{{ now | date: 'QQQQQQQQ' }}",
    "digits": "{{ " + "9" * 4301 + " }}",
    "written digits": "{{ '" + "9" * 4301 + "' | plus: 1 }}",
    "nested": "{% if 1 %}" * 3000,
    "divided by nothing": "{{ 1 | divided_by: 0 }}",
    "no number": "{{ 'x' | money }}",
}


@pytest.mark.parametrize("text", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_text_that_would_go_on_for_ever_ends_with_a_sentence(text):
    start = time.thread_time()
    with pytest.raises(merge_text.MergeError) as refused:
        merge_text.render(text, merge_text.Values(None))
    # Not a speed: without the budget these take minutes, or the memory of the machine.
    assert time.thread_time() - start < 10
    assert "Line 1" in str(refused.value)


@pytest.mark.parametrize("text", NO_LIQUID_ERROR.values(), ids=NO_LIQUID_ERROR)
def test_whatever_goes_wrong_is_one_sentence(text):
    with pytest.raises(merge_text.MergeError) as refused:
        merge_text.render(text, merge_text.Values(None))
    assert "\n" not in str(refused.value)


def test_the_sentence_names_line_and_field():
    with pytest.raises(merge_text.MergeError, match=r"^Line 3, \{\{ item\.id \| date \}\}: “12” is no date\.$"):
        merge_text.render("Dear\n{{ item.id }}\n{{ item.id | date }}", merge_text.Values(None, item={"id": 12}))


PIECES = [
    "x",
    "12",
    "1e30",
    "-5",
    "1e999999",
    "/w==",
    "<<<",
    "NaN",
    "2026-11-28",
    "(1..5)",
    "'a,b' | split: ','",
    "now",
]
FILTERS = sorted(merge_text._TEXT.filters)


@settings(max_examples=400, deadline=None)
@given(
    piece=st.sampled_from(PIECES).map(lambda text: text if text[0] in "('n1-" else f"'{text}'"),
    chain=st.lists(
        st.tuples(
            st.sampled_from(FILTERS),
            st.lists(st.sampled_from(["1", "-3", "'a'", "'1e9'", "99999999", "now"]), max_size=2),
        ),
        max_size=4,
    ),
)
def test_no_chain_of_filters_brings_anything_but_a_text_or_a_sentence(piece, chain):
    filters = "".join(f" | {name}" + (f": {', '.join(args)}" if args else "") for name, args in chain)
    try:
        made = merge_text.render("{{ " + piece + filters + " }}", merge_text.Values(None), html=True)
    except merge_text.MergeError as error:
        made = str(error)
    assert len(made) <= 500_000


def test_language_and_zone_are_out_of_a_texts_reach():
    text = "{% assign _language = 'xx' %}{% assign _zone = 'no' %}{% assign _currency = 5 %}{{ 1234.5 | number }}"
    assert merge_text.render(text, merge_text.Values(None), language="pl") == "1234,5".replace("1234", "1\u00a0234")
    for name in ("_language", "_zone", "_currency"):
        with pytest.raises(merge_text.MergeError, match="undefined"):
            merge_text.render("{{ " + name + " }}", merge_text.Values(None))


def test_a_paper_of_many_rows_is_untouched():
    rows = [{"name": f"Table {n}", "price": 12.5, "text": "x" * 300} for n in range(1900)]
    text = "{% for line in lines %}<td>{{ line.name | escape }}</td><td>{{ line.price | money }}</td>{% endfor %}"
    text += "{{ lines | sort: 'name' | map: 'name' | uniq | size }}"
    assert merge_text.render(text, merge_text.Values(None, lines=rows), html=True).endswith("1900")
    assert len(rows) < MOST_ROWS < MOST_TEXT


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("a <b>bold</b> word", "a bold word"),
        ("1 < 2", "1 < 2"),
        ("<script>x()</script>y<style>z</style>", "y"),
        ("<" * 9, "<" * 9),
    ],
)
def test_tags_are_taken_off_in_one_pass(text, bare):
    assert without_tags(text) == bare


@pytest.mark.parametrize(
    "text", [TOO_MUCH["a range"], "{{ answers.name | date: 'QQQQQQQQ' }}", "{{ answers.budget | ceil }}"]
)
@pytest.mark.parametrize("name", ["Jan", "1e999999999", "2026-01-01"])
def test_a_submission_makes_its_card_whatever_title_and_thanks_say(world, form, client, drain, text, name):  # noqa: F811
    WebForm.objects.update(item_title=text, thanks=text)
    assert send(client, **GOOD | {"name": name}).status_code == 200
    drain()
    assert Submission.objects.get().status == "done"
    assert Item.objects.get().title


@pytest.mark.parametrize("shorter", ["truncate: 50", "truncatewords: 5", "slice: 0, 10"])
def test_a_long_text_is_shortened(shorter):
    text = merge_text.render("{{ item.t | " + shorter + " }}", merge_text.Values(None, item={"t": "word " * 60}))
    assert text.startswith("word")
    assert len(text) <= 50
