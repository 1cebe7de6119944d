"""Search: numbers of cards and papers, words of notes, mails, answers, tasks and own fields; only what the reader sees."""

from __future__ import annotations

import html
import importlib

import pytest
from django.apps import apps
from hypothesis import given
from hypothesis import strategies as st

from crm.events.record import collecting, record
from crm.ground.columns.words import indexed
from crm.items import search_index
from crm.items.models.gate import MoveOptions
from crm.models import Cause, Contact, CustomField, Event, Item, Job, Pipeline, Task
from crm.pipelines.rights import Scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(world, client):
    client.force_login(world.bob)
    return client


def found(client, text):
    return html.unescape(client.get("/search/", {"q": text}, headers={"HX-Request": "true"}).content.decode())


def test_a_card_is_found_by_its_number_and_stands_first(world, bob):
    wanted = world.deal("Oak table")
    newer = world.deal(f"No {wanted.pk}0")
    assert f'href="/items/{wanted.pk}/"' in found(bob, f"#{wanted.pk}")
    page = found(bob, str(wanted.pk))
    assert page.index(f'href="/items/{wanted.pk}/"') < page.index(f'href="/items/{newer.pk}/"')


def test_words_of_notes_mails_answers_and_tasks_find_their_card_and_say_where(world, bob):
    item = world.deal("Oak table")
    texts = {
        "comment.added": {"text": "Customer prefers the Żółty odcień"},
        "email.received": {
            "subject": "Delivery",
            "text": "Please bring it to the warehouse\nby Friday",
            "to": "x@example.com",
        },
        "form.submitted": {"form_name": "Order", "answers": [["Wish", "with walnut legs"]]},
        "call.answered": {"number": "+48601234567", "direction": "in", "seconds": 5, "note": "asked about varnish"},
    }
    for kind, payload in texts.items():
        record(kind, item=item, payload=payload)
    Task.add(item=item, title="Measure the staircase")
    for text in (
        "zolty",
        "ODCIEŃ żółty",
        "warehouse",
        "delivery",
        "walnut leg",
        "varnish",
        "staircase measure",
        "warehou",
    ):
        page = found(bob, text)
        assert "In notes, mails, forms and tasks" in page, text
        assert page.count(f'href="/items/{item.pk}/"') == 1, text
    assert "Please bring it to the warehouse" in found(bob, "warehouse")
    for text in ("warehouse walnut", "arehouse", "nothing"):
        assert f'href="/items/{item.pk}/"' not in found(bob, text), text


def test_own_fields_of_cards_and_customers_are_found_and_forgotten_when_they_change(world, bob):
    for target in ("item", "contact"):
        CustomField.objects.create(key="serial", label="Serial", target=target, type="text")
    item = world.deal("Oak table", custom={"serial": "QX-7781 Łódź"})
    Contact.objects.filter(pk=world.contact.pk).first()
    world.contact.custom = {"serial": "Member 9912"}
    world.contact.save()
    for text in ("qx-7781", "7781", "lodz"):
        assert f'href="/items/{item.pk}/"' in found(bob, text), text
    assert f'href="/contacts/{world.contact.pk}/"' in found(bob, "9912")
    item.change({"custom.serial": "ZZ 1"}, by=world.bob)
    assert f'href="/items/{item.pk}/"' not in found(bob, "7781")
    assert f'href="/items/{item.pk}/"' in found(bob, "zz")
    item.move_to(world.stages["talk"], MoveOptions(by=world.bob, fields={"custom.serial": "moved along"}))
    assert f'href="/items/{item.pk}/"' in found(bob, "moved along")


def test_an_invoice_is_found_by_a_part_of_its_number(world, bob, settings, tmp_path):
    from tests.documents.conftest import build_papers

    settings.MEDIA_ROOT = str(tmp_path)
    made = build_papers(world)
    invoice, document = made.flow.make_invoice(made.deal, made.templates["invoice"], by=world.bob)
    for text in (document.number, document.number[4:], document.number.lower()[:9]):
        page = found(bob, text)
        assert f'href="/documents/{document.pk}/"' in page, text
        assert f'href="/items/{invoice.pk}/"' in page, text


def test_nobody_finds_words_of_a_card_that_is_not_theirs_to_see(world, client):
    hidden = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Secret", currency="EUR")
    world.role(world.alice, pipeline=hidden, view=Scope.ALL)
    item = world.deal("ZZSECRET")
    record("comment.added", item=item, payload={"text": "the password is swordfish"})
    Item.objects.filter(pk=item.pk).update(pipeline=hidden)
    mine = world.deal("Mine")
    record("comment.added", item=mine, payload={"text": "an older swordfish"})
    for number in range(30):  # the newest are all others'
        record("comment.added", item=item, payload={"text": f"swordfish {number}"})
    client.force_login(world.bob)
    page = found(client, "swordfish")
    assert "ZZSECRET" not in page
    assert "password" not in page
    assert "an older swordfish" in page
    client.force_login(world.charlie)
    assert "swordfish" not in found(client, "swordfish").replace("“swordfish”", "")
    client.force_login(world.alice)
    assert "ZZSECRET" in found(client, "swordfish")


def test_more_matches_than_are_looked_at_hide_nothing_that_is_ones_own(world, bob, monkeypatch):
    hidden = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Secret", currency="EUR")
    world.role(world.alice, pipeline=hidden, view=Scope.ALL)
    mine, theirs = world.deal("Mine"), world.deal("Theirs")
    record("comment.added", item=mine, payload={"text": "walnut"})
    Event.objects.bulk_create(
        Event(kind="comment.added", item=theirs, payload={"text": "walnut"})
        for _number in range(search_index.NEWEST + 5)
    )
    Item.objects.filter(pk=theirs.pk).update(pipeline=hidden)
    page = found(bob, "walnut")
    assert "Mine" in page
    assert "Theirs" not in page


def test_events_written_in_a_batch_are_found_and_deleted_ones_are_not(world, bob):
    item = world.deal("Oak table")
    with collecting():
        record("comment.added", item=item, payload={"text": "mahogany"})
    assert "mahogany" in found(bob, "mahogany")
    Event.objects.filter(kind="comment.added").delete()
    assert search_index.newest(Event, "mahogany") == []


@given(st.text(max_size=60))
def test_no_search_is_an_error_whatever_is_typed(text):
    assert isinstance(search_index.newest(Event, text), list)
    assert (indexed([text]) or "") == " ".join((indexed([text]) or "").split())


def test_ones_own_record_is_found_behind_many_newer_ones_of_others(world, client, monkeypatch):
    CustomField.objects.create(key="wood", label="Wood", target="item", type="text")
    hidden = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Secret", currency="EUR")
    world.role(world.alice, pipeline=hidden, view=Scope.ALL)
    mine = world.deal("Mine", custom={"wood": "walnut"})
    shape = {
        f.attname: getattr(mine, f.attname) for f in Item._meta.concrete_fields if f.attname not in ("id", "visit_id")
    }
    Item.objects.bulk_create(Item(**shape | {"pipeline_id": hidden.pk}) for _number in range(search_index.NEWEST + 5))
    client.force_login(world.bob)
    assert f'href="/items/{mine.pk}/"' in found(client, "walnut")


def test_a_note_that_was_erased_is_found_no_more(world, now):
    from crm.items.models import undo

    item = world.deal()
    moved = item.move_to(world.stages["talk"], MoveOptions(by=world.bob, undoable=True))
    record("comment.added", item=item, payload={"text": "embarrassing"}, visit=moved.visit, cause=Cause())
    Event.objects.filter(kind="comment.added").update(cause_kind="rule", visit=moved.visit)
    undo.undo(moved.visit, by=world.bob)
    assert undo.remove_left_behind(moved.visit, by=world.bob) == 1
    assert search_index.newest(Event, "embarrassing") == []


def test_the_upgrade_reads_what_was_there_a_slice_at_a_time(world, bob, drain, monkeypatch):
    item = world.deal("Oak table", custom={"wood": "ebony"})
    for number in range(7):
        record("comment.added", item=item, payload={"text": f"note mahogany{number}"})
    Event.objects.update(words=None)
    Item.objects.update(words=None)
    assert search_index.newest(Event, "mahogany3") == search_index.newest(Item, "ebony") == []
    importlib.import_module("crm.migrations.0035_words").plan(apps, None)
    assert Job.objects.filter(kind="index_words").count() == 1
    drain()
    assert len(search_index.newest(Event, "mahogany3")) == 1
    assert search_index.newest(Item, "ebony") == [item.pk]
