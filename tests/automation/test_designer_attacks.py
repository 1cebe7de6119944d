"""What an attacker tried on the designer: drafts that break pages, customers told by samples, switches past the checks."""

import json

import pytest

from automation.document import Document, Faulty
from automation.publishing import doors, drafts
from automation.publishing.models import Draft
from crm.ground.addresses import as_typed, one_spelling
from crm.models import CustomerRight, Pipeline, Stage
from crm.pipelines.rights import Scope
from tests.crm.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def alice(world, client):
    client.force_login(world.alice)
    return client


def url(world, rest=""):
    return f"/automation/{world.pipeline.pk}/{rest}"


def stored(world, **more):
    """A draft with one rule, kept whatever is wrong with it."""
    rule = {"id": "a", "name": "A", "action": "add_comment", "key": "a", "settings": {"text": "hi"}} | more
    document = Document.parse({"stages": {str(world.stages["talk"].pk): {"rules": [rule]}}})
    return drafts.save(world.pipeline, document, world.alice, 0)


PAGES = ("", "state/", "publish/", "comparison/?a=live&b=draft", "parts/a/", "parts/a/sample/")


@pytest.mark.parametrize(
    "more",
    [
        {"condition": {"field": "rules.x.y", "op": "last_days", "value": []}},
        {"condition": {"field": "item.due_date", "op": "last_days", "value": []}},
        {"condition": {"field": "rules.x.y", "op": "time_between", "value": [None, "10:00"]}},
        {"timing": {"when": "delay", "amount": 2, "unit": "fortnights"}},
        {"timing": {"when": "delay", "amount": "2.5", "unit": "days"}},
        {"timing": {"when": "time", "at": "halb neun"}},
        {"timing": {"when": "time", "at": 7}},
        {"timing": {"when": "delay", "amount": 2, "unit": "days", "delay_at": True}},
        {"action": "schedule_call", "settings": {"title": "x", "amount": 1, "unit": "days", "at": 7}},
    ],
    ids=str,
)
def test_no_draft_however_faulty_takes_a_page_down(world, alice, more):
    stored(world, **more)
    for page in PAGES:
        assert alice.get(url(world, page)).status_code == 200, page
    found = alice.get(url(world, "state/")).json()["findings"]
    assert any(one["level"] == "error" for one in found)
    draft = Draft.objects.get()
    assert alice.post(url(world, "publish/"), {"revision": draft.revision}).status_code == 422
    assert alice.post(url(world, "discard/")).status_code == 200


def test_an_api_is_told_what_is_wrong_with_such_a_condition(world, client):
    ask = Caller(client, world.alice)
    rule = {"stage": world.stages["talk"].pk, "action": "add_comment", "name": "x", "settings": {"text": "x"}}
    answer = ask("POST", "/rules", rule | {"condition": {"field": "rules.x.y", "op": "last_days", "value": []}})
    assert answer.status_code == 422


def test_documents_are_neither_too_deep_nor_too_many(world):
    deep = value = {}
    for _level in range(60):
        value["x"] = {}
        value = value["x"]
    with pytest.raises(Faulty, match="too deeply"):
        Document.parse({"more": deep})
    with pytest.raises(Faulty, match="at most"):
        Document.parse({"sets": {f"s{n}": {"name": str(n)} for n in range(400)}})


def test_samples_and_counts_tell_nothing_of_customers_whom_the_person_does_not_see(world, client):
    rule = world.rule("talk")
    world.deal(stage="talk")
    role = world.role(world.charlie, configure=Scope.ALL, view=Scope.ALL)
    client.force_login(world.charlie)
    parts = url(world, f"parts/{rule.uid}/")
    assert client.get(parts + "sample/").json()["card"]
    CustomerRight.objects.create(role=role, may_view=Scope.NONE)
    assert client.get(parts + "sample/").json()["values"] == {}
    asked = {"if-field_1": "contact.email", "if-op_1": "starts_with", "if-value_1": "hang@"}
    assert client.post(parts + "count/", asked).json()["sentence"] == "0 of 0 cards here match"


def test_a_switch_does_not_go_past_the_checks(world, alice):
    world.rule("talk", "change_stage", {"stage": str(world.stages["pay"].pk)})
    off = world.rule("talk", "change_stage", {"stage": str(world.stages["papers"].pk)}, is_enabled=False)
    answer = alice.post(url(world, f"parts/{off.uid}/switch/"), {"on": "1"})
    assert answer.status_code == 409
    assert "moves the card elsewhere" in answer.json()["sentence"]
    off.refresh_from_db()
    assert not off.is_enabled
    with pytest.raises(Faulty):
        doors.switch(off, True, world.alice)


def test_a_pasted_address_is_read_and_a_mails_own_words_are_not(world):
    assert as_typed("Anna Nowak <ANNA@Example.com>") == "anna@example.com"
    assert one_spelling("a@b <hang@example.com>") == "a@b <hang@example.com>"
    assert as_typed("<" + "a@" * 20_000).startswith("<a@")
    for odd in ("x <a@b@c.example>", "x <a@b.example> y"):
        assert "<" in as_typed(odd)


def test_a_stage_that_is_no_stage_is_no_trouble(world, alice):
    for key in ("abc", "²", "9" * 25):
        Draft.objects.all().delete()
        document = Document.parse(
            {"stages": {key: {"rules": [{"id": "a", "action": "add_comment", "settings": {"text": "x"}}]}}}
        )
        drafts.save(world.pipeline, document, world.alice, 0)
        for page in PAGES:
            assert alice.get(url(world, page)).status_code == 200, page
        assert (
            alice.post(url(world, "parts/a/count/"), {"if-field_1": "item.title", "if-op_1": "is_filled"}).status_code
            == 200
        )


def test_a_transfer_of_odd_settings_into_an_archived_pipeline_is_refused_in_words(world, alice):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Service")
    there = Stage.objects.create(pipeline=other, name="Inbox", order=0)
    stored(world, action="calculate", settings={"variable": ["x"]})
    asked = {"do": "copy", "pipeline": other.pk, "place": f"stage-{there.pk}", "ids": ["a"]}
    assert alice.post(url(world, "transfer/"), asked).status_code == 412
    assert json.loads(alice.post(url(world, "transfer/"), asked).content)["sentence"]
