"""Triggers that ask for exactly this: our number, these words, this signer."""

import pytest

from automation.base import bind, trigger_types
from automation.models import scope_of
from crm.events.record import record
from crm.messages.receiving import received_sms
from crm.models import Cause, Event, Item
from tests.crm.test_api import Caller

pytestmark = pytest.mark.django_db


def moved(world, deal, drain):
    drain()
    return Item.objects.get(pk=deal.pk).stage == world.stages["talk"]


@pytest.mark.parametrize(
    ("wanted", "called", "moves"),
    [("", "", True), ("", "+48221234567", True), ("22 123 45 67", "+48221234567", True), ("+48221234567", "+48221234568", False),
     ("+48221234567", "", False)],
)  # fmt: skip
@pytest.mark.parametrize(("type_", "answered"), [("call_incoming", True), ("call_missed", False)])
def test_a_call_to_our_number(world, client, drain, wanted, called, moves, type_, answered):
    form = bind(trigger_types.get(type_).Settings, {"own_number": wanted}, scope_of(world.stages["talk"]))
    assert form.is_valid()
    world.trigger("talk", type_, {"own_number": wanted})
    deal = world.deal()
    body = {"direction": "in", "number": "+84912345678", "answered": answered, "own_number": called}
    made = Caller(client, world.alice).post("/calls", body)
    assert made.status_code == 201, made.data
    assert moved(world, deal, drain) is moves


def test_a_colleague_writes_a_call_down_on_the_card(world, client, drain):
    world.trigger("talk", "call_incoming", {"own_number": "+48221234567"})
    deal = world.deal()
    client.force_login(world.bob)
    assert b"Call" in client.get(f"/items/{deal.pk}/").content
    data = {
        "direction": "in",
        "number": "+84 91 234 56 78",
        "answered": "on",
        "minutes": "3",
        "own_number": "22 123 45 67",
    }
    assert client.post(f"/items/{deal.pk}/write/call/", data | {"number": "12"}).status_code == 422
    assert client.post(f"/items/{deal.pk}/write/call/", data | {"note": "wants oak"}).status_code == 302
    event = Event.objects.get(kind="call.answered")
    assert (event.data("own_number"), event.data("seconds"), event.actor) == ("+48221234567", 180, world.bob)
    assert moved(world, deal, drain)


@pytest.mark.parametrize(
    ("how", "text", "moves"),
    [("exact", "Tak, biorę", True), ("exact", "tak, biorę", False), ("exact", "biorę Tak,", False), ("", "TAK, BIORE", False),
     ("folded", "TAK, BIORE", True), ("exact", "No to Tak, biore\u0328 stół", True)],
)  # fmt: skip
def test_an_sms_with_exactly_these_words(world, drain, how, text, moves):
    world.trigger("talk", "sms_received", {"text": "Tak, biorę", "how": how})
    deal = world.deal()
    received_sms(world.sms, "x1", "+84912345678", text)
    assert moved(world, deal, drain) is moves


@pytest.mark.parametrize("kind", ["signed", "declined"])
@pytest.mark.parametrize(
    ("settings", "by", "moves"),
    [({}, "Whoever", True), ({"who": "contact"}, "nguyen thi hang", True), ({"who": "contact"}, "Whoever", False),
     ({"who": "named", "name": "Jan Żuk"}, "JAN ZUK", True), ({"who": "named", "name": "Jan Żuk"}, "", False)],
)  # fmt: skip
def test_a_paper_answered_by_whom(world, drain, kind, settings, by, moves):
    world.trigger("talk", f"document_{kind}", settings)
    deal = world.deal()
    record(f"document.{kind}", item=deal, payload={"by": by, "template": 1}, cause=Cause("form"))
    assert moved(world, deal, drain) is moves


def test_a_named_signer_needs_a_name(world):
    form = bind(trigger_types.get("document_signed").Settings, {"who": "named"}, scope_of(world.stages["talk"]))
    assert "name" in form.errors
