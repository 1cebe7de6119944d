"""The designer: gestures, the panel, undo, going live, and who may."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation.document import RULE, STAGE, Place, RulePart
from automation.models import Rule, Run, Trigger
from automation.publishing import drafts
from automation.publishing.models import Draft, Publication
from automation.publishing.publishing import editing
from crm.models import Pipeline, Stage
from crm.pipelines.rights import Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def alice(world, client):
    client.force_login(world.alice)
    return client


def url(world, rest=""):
    return f"/automation/{world.pipeline.pk}/{rest}"


def place(world, stage="talk"):
    return f"stage-{world.stages[stage].pk}"


def do(client, world, **asked):
    return client.post(url(world, "do/"), asked)


def add(client, world, type="add_comment", kind="rule", stage="talk", **more):
    answer = do(client, world, do="add", kind=kind, type=type, place=place(world, stage), **more)
    assert answer.status_code == 200, answer.content
    return answer["X-Opened"]


def document(world):
    return drafts.document_of(drafts.draft_of(world.pipeline))


def rules(world, stage="talk"):
    return [part.id for part in document(world).rules_of(Place(STAGE, str(world.stages[stage].pk)))]


def panel(client, world, id, **fields):
    page = client.get(url(world, f"parts/{id}/"))
    form = page.context["form"]
    sent = {"seen": page.context["mark"]}
    for one in form.forms:
        for name in one.fields:
            value = one[name].value()
            if value not in (None, False, [], ""):
                sent[one.add_prefix(name)] = value
    return client.post(url(world, f"parts/{id}/"), sent | fields)


def test_a_rule_is_added_filled_in_and_published_from_the_board(world, alice, drain):
    id = add(alice, world)
    assert not Rule.objects.exists()
    answer = panel(alice, world, id, **{"own-text": "Hello from the designer", "part-name": "Greet"})
    assert answer.json()["faults"] == {}
    dialog = alice.get(url(world, "publish/"))
    assert "Rule “Greet” is added in “Talk”" in dialog.content.decode()
    assert alice.post(url(world, "publish/"), {"revision": dialog.context["draft"].revision}).status_code == 200
    rule = Rule.objects.get()
    assert (rule.name, rule.publisher, Draft.objects.count()) == ("Greet", world.alice, 0)
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    assert world.comments(deal) == ["Hello from the designer"]


def test_what_is_typed_wrongly_is_kept_said_and_stands_in_the_way_of_publishing(world, alice):
    id = add(alice, world)
    answer = panel(alice, world, id, **{"own-text": "{{ contact.shoe_size }}", "when-when": "delay", "when-amount": ""})
    assert set(answer.json()["faults"]) == {"own-text", "when-amount"}
    page = alice.get(url(world, f"parts/{id}/"))
    assert "shoe_size" in page.content.decode()
    found = alice.get(url(world, "state/")).json()["findings"]
    assert {fault["id"] for fault in found} == {id}
    dialog = alice.get(url(world, "publish/"))
    assert 'type="submit"' not in dialog.content.decode()
    refused = alice.post(url(world, "publish/"), {"revision": drafts.draft_of(world.pipeline).revision})
    assert (refused.status_code, Rule.objects.count()) == (422, 0)


def test_rules_are_moved_copied_and_removed_and_a_chain_closes_itself(world, alice):
    first, second, third = add(alice, world), add(alice, world), add(alice, world)
    for id in (second, third):
        panel(alice, world, id, **{"own-text": "x", "part-after_previous": "ended"})
    do(alice, world, do="move", ids=[third], place=place(world), before=first)
    assert rules(world) == [third, first, second]
    do(alice, world, do="move", ids=[first], place=place(world, "papers"), chain="1")
    assert (rules(world), rules(world, "papers")) == ([third], [first, second])
    copied = do(alice, world, do="copy", ids=[first])["X-Opened"]
    assert rules(world, "papers") == [first, copied, second]
    do(alice, world, do="remove", ids=[copied])
    do(alice, world, do="remove", ids=[first])
    assert document(world).find(second)[2].after_previous == ""


def test_a_trigger_falls_among_no_rules_and_no_set(world, alice):
    id = add(alice, world, "task_status", "trigger")
    do(alice, world, do="add-set", name="Follow up")
    (key,) = document(world).sets
    assert do(alice, world, do="move", ids=[id], place=f"set-{key}").status_code == 409
    assert do(alice, world, do="add", kind="rule", type="add_comment", place=f"set-{key}").status_code == 200
    assert do(alice, world, do="remove-set", place=f"set-{key}").status_code == 409


@pytest.mark.parametrize(
    "asked",
    [
        {"do": "add", "kind": "rule", "type": "gone", "place": "stage-1"},
        {"do": "add", "kind": "rule", "type": "add_comment", "place": "stage-999999"},
        {"do": "add", "kind": "nonsense", "type": "add_comment", "place": "stage-1"},
        {"do": "move", "ids": ["gone"], "place": "nowhere"},
        {"do": "remove", "ids": ["gone"]},
        {"do": "add-set", "name": "  "},
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(world, alice, asked):
    answer = do(alice, world, **asked)
    assert answer.status_code == 409
    assert answer.json()["sentence"].endswith(".")
    assert not Draft.objects.exists()


def test_undo_takes_back_ones_own_steps_alone(world, alice, client):
    world.role(world.bob, configure=Scope.ALL)
    first = add(alice, world)
    client.force_login(world.bob)
    second = add(client, world)
    client.force_login(world.alice)
    assert client.post(url(world, "undo/")).status_code == 200
    assert rules(world) == [second]
    assert client.post(url(world, "undo/")).status_code == 409
    assert client.post(url(world, "redo/")).status_code == 200
    assert set(rules(world)) == {first, second}


def test_a_step_on_which_a_colleagues_stands_is_not_taken_back(world, alice, client):
    world.role(world.bob, configure=Scope.ALL)
    id = add(alice, world)
    client.force_login(world.bob)
    panel(client, world, id, **{"own-text": "bob's"})
    client.force_login(world.alice)
    answer = client.post(url(world, "undo/"))
    assert answer.status_code == 409
    assert "Bob Seller has changed" in answer.json()["sentence"]
    assert document(world).find(id)[2].settings == {"text": "bob's"}


def test_whoever_saves_over_a_colleague_is_told(world, alice):
    id = add(alice, world)
    old = alice.get(url(world, f"parts/{id}/")).context["mark"]
    panel(alice, world, id, **{"own-text": "first"})
    answer = alice.post(url(world, f"parts/{id}/"), {"seen": old, "part-name": "x", "own-text": "second"})
    assert answer.status_code == 409
    assert document(world).find(id)[2].settings == {"text": "first"}


def test_a_switch_is_live_and_asks_about_planned_runs_first(world, alice, drain):
    rule = world.rule("talk", timing={"when": "delay", "amount": 2, "unit": "days"})
    world.move(world.deal(), "talk")
    where = url(world, f"parts/{rule.uid}/switch/")
    asked = alice.post(where, {"on": "0"})
    assert asked.status_code == 412
    assert "1 planned" in asked.json()["sentence"]
    assert alice.post(where, {"on": "0", "sure": "1"}).status_code == 200
    rule.refresh_from_db()
    drain()
    assert (rule.is_enabled, Run.objects.get().status) == (False, "cancelled")
    assert not Publication.objects.exists()


def test_a_new_rule_may_go_live_switched_off(world, alice):
    id = add(alice, world)
    panel(alice, world, id, **{"own-text": "x"})
    alice.post(url(world, f"parts/{id}/switch/"), {"on": "0"})
    alice.post(url(world, "publish/"), {"revision": drafts.draft_of(world.pipeline).revision})
    assert not Rule.objects.get().is_enabled


def test_who_does_not_set_it_up_reads_and_is_told_why(world, client):
    world.rule("talk", name="Greet")
    client.force_login(world.bob)
    page = client.get(url(world)).content.decode()
    assert "Greet" in page
    assert "your role does not set this pipeline up" in page
    assert "data-add" not in page
    assert "dcard-grip" not in page
    for path in ("do/", "undo/", "discard/", "publish/"):
        assert client.post(url(world, path), {"do": "remove"}).status_code == 404
    assert client.get(url(world, f"parts/{Rule.objects.get().uid}/")).status_code == 404
    client.logout()
    assert client.get(url(world)).status_code == 302


def test_the_board_opens_it_and_every_item_type_has_it(world, alice):
    assert url(world) in alice.get(f"/board/{world.pipeline.pk}/").content.decode()
    assert alice.get("/automation/").url.startswith("/automation/")


def test_twenty_stages_of_thirty_cards_ask_the_database_fifteen_times_at_most(world, alice):
    with editing(world.pipeline, world.alice, Publication.Origin.TEXT, trusted=True) as under_way:
        for number in range(300):
            stage = list(world.stages.values())[number % len(world.stages)]
            settings = {"to_users": [str(world.bob.pk)], "text": "Hello"}
            own = {"key": f"k{number}", "name": f"Rule {number}", "action": "notify", "settings": settings}
            under_way.document.add(RULE, Place(STAGE, str(stage.pk)), RulePart(id=f"r{number}", **own))
    alice.get(url(world))
    with CaptureQueriesContext(connection) as asked:
        assert alice.get(url(world)).status_code == 200
    assert len(asked) <= 15, json.dumps([one["sql"][:120] for one in asked], indent=1)


def test_a_retired_stage_that_a_draft_still_uses_stands_there_marked(world, alice):
    add(alice, world)
    world.stages["talk"].retired = True
    world.stages["talk"].save()
    page = alice.get(url(world)).content.decode()
    assert "no longer there" in page
    assert not Trigger.objects.exists()


def test_a_set_that_is_new_in_the_draft_is_not_lost_by_editing_the_rule_that_calls_it(world, alice):
    do(alice, world, do="add-set", name="Greet")
    id = add(alice, world, "run_rule_set")
    drafts.edit(
        world.pipeline, world.alice, lambda document, live: document.find(id)[2].settings.update(rule_set="greet")
    )
    panel(alice, world, id, **{"part-name": "Call the set"})
    found = document(world).find(id)[2]
    assert (found.name, found.settings) == ("Call the set", {"rule_set": "greet"})


def test_characters_that_no_database_keeps_are_left_out(world, alice):
    do(alice, world, do="add-set", name="Gre\0et")
    assert [one.name for one in document(world).sets.values()] == ["Greet"]
    id = add(alice, world)
    panel(alice, world, id, **{"own-text": "a\0b {{ contact.nothing }}"})
    assert document(world).find(id)[2].settings == {"text": "ab {{ contact.nothing }}"}


def test_a_decision_that_there_is_not_counts_as_none(world, alice):
    rule = world.rule("talk")
    drafts.edit(world.pipeline, world.alice, lambda doc, live: doc.find(rule.uid)[2].settings.update(text="new"))
    sent = {"revision": drafts.draft_of(world.pipeline).revision, f"run-{rule.uid}": "nonsense-of-twenty"}
    assert alice.post(url(world, "publish/"), sent).status_code == 200
    assert rule.revisions.get().decision == "new"


def test_the_panel_shows_what_it_would_write_and_when_for_a_card_that_is_there(world, alice, now):
    deal = world.deal(title="Oak table", stage="talk", amount=900)
    id = add(alice, world, "send_sms")
    address = url(world, f"parts/{id}/sample/")
    found = alice.get(address).json()
    assert (found["card"], found["values"]["item.title"]) == ("Oak table", "Oak table")
    sent = {
        "part-name": "x",
        "own-text": "Dear {{ contact.name }}, {{ item.gone }}",
        "when-when": "delay",
        "when-amount": "2",
        "when-unit": "days",
    }
    found = alice.post(address, sent).json()
    assert found["texts"] == {"own-text": ""}  # its field says why
    assert found["when"].startswith("Starting now it would run on ")
    found = alice.post(address, sent | {"own-text": "Dear {{ contact.name }}", "part-after_previous": "done"}).json()
    assert found["texts"] == {"own-text": "Dear Nguyễn Thị Hằng"}
    assert found["when"].startswith("If the rule before it ended now")
    deal.delete_softly(by=world.alice)
    assert alice.get(address).json()["card"] == ""
    assert not Run.objects.exists()


def test_a_sample_stands_for_what_earlier_rules_give(world, alice):
    world.deal(stage="talk")
    add(alice, world, "generate_code")
    id = add(alice, world, "add_comment")
    found = alice.post(url(world, f"parts/{id}/sample/"), {"own-text": "Code {{ rules.generate_code.code }}"}).json()
    assert found["texts"] == {"own-text": "Code [code]"}


def test_several_go_to_another_pipeline_what_does_not_fit_is_told_before_and_each_draft_says_so(world, alice):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Service")
    there = Stage.objects.create(pipeline=other, name="Inbox", order=0)
    plain = add(alice, world)
    panel(alice, world, plain, **{"own-text": "hello"})
    leads = add(alice, world, "change_stage")
    panel(alice, world, leads, **{"own-stage": str(world.stages["pay"].pk)})
    offered = alice.get(f"/automation/{other.pk}/places/").json()
    assert offered["pipelines"] == [{"key": str(world.pipeline.pk), "name": world.pipeline.name}]
    assert offered["places"] == [{"key": f"stage-{there.pk}", "name": "Inbox"}]
    asked = {"do": "move", "pipeline": other.pk, "place": f"stage-{there.pk}", "ids": [plain, leads]}
    first = alice.post(url(world, "transfer/"), asked)
    assert first.status_code == 412
    assert "no longer exists in the pipeline" in first.json()["sentence"]
    assert rules(world) == [plain, leads]  # nothing was done
    done = alice.post(url(world, "transfer/"), asked | {"sure": "1"})
    assert done["X-There"].startswith(f"/automation/{other.pk}/?open=")
    assert rules(world) == []
    found = drafts.document_of(drafts.draft_of(other)).rules_of(Place(STAGE, str(there.pk)))
    assert [part.action for part in found] == ["add_comment", "change_stage"]
    assert not Rule.objects.exists()
    assert alice.post(url(world, "undo/")).status_code == 200
    assert rules(world) == [plain, leads]


def test_nobody_copies_into_a_pipeline_that_he_does_not_set_up(world, client):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Service")
    there = Stage.objects.create(pipeline=other, name="Inbox", order=0)
    world.role(world.bob, configure=Scope.ALL)
    world.role(world.bob, pipeline=other, configure=Scope.NONE)
    client.force_login(world.bob)
    id = add(client, world)
    asked = {"do": "copy", "pipeline": other.pk, "place": f"stage-{there.pk}", "ids": [id], "sure": "1"}
    assert client.post(url(world, "transfer/"), asked).status_code == 404
    assert client.get(f"/automation/{other.pk}/places/").status_code == 404
    assert drafts.draft_of(other) is None


def test_copies_elsewhere_read_their_own_rules_and_what_is_left_out_is_told(world, alice):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Service")
    there = Stage.objects.create(pipeline=other, name="Inbox", order=0)
    with editing(other, world.alice, Publication.Origin.API) as under_way:
        part = RulePart(
            id="old", key="My-Code", action="generate_code", settings={"length": "6", "alphabet": "digits"}, name="Old"
        )
        under_way.document.add(RULE, Place(STAGE, str(there.pk)), part)
    head, code = add(alice, world), add(alice, world, "generate_code")
    panel(alice, world, code, **{"part-key": "My-Code", "part-after_previous": "done"})
    reads = add(alice, world, before="")
    panel(alice, world, reads, **{"own-text": "Code {{ rules.My-Code.code }}"})
    asked = {"do": "copy", "pipeline": other.pk, "place": f"stage-{there.pk}", "ids": [code, reads]}
    first = alice.post(url(world, "transfer/"), asked)
    assert "starts by itself there" in first.json()["sentence"]
    alice.post(url(world, "transfer/"), asked | {"sure": "1"})
    found = drafts.document_of(drafts.draft_of(other)).rules_of(Place(STAGE, str(there.pk)))
    assert [(part.key, part.after_previous) for part in found] == [
        ("My-Code", ""),
        ("my_code", ""),
        ("add_comment_2", "done"),
    ]
    assert found[2].settings["text"] == "Code {{ rules.my_code.code }}"
    assert head in rules(world)


def test_a_trigger_names_a_task_rule_of_the_same_draft_and_an_old_version_with_one_comes_back(world, alice):
    task = add(alice, world, "create_task")
    panel(alice, world, task, **{"own-title": "Pack"})
    trigger = add(alice, world, "task_status", kind="trigger", stage="pay")
    page = alice.get(url(world, f"parts/{trigger}/")).content.decode()
    assert f'<option value="{task}"' in page  # it has no row yet
    assert panel(alice, world, trigger, **{"own-rule": task, "own-status": "done"}).json()["faults"] == {}
    publish = lambda: alice.post(url(world, "publish/"), {"revision": Draft.objects.get().revision})  # noqa: E731
    assert publish().status_code == 200
    assert Trigger.objects.get().settings["rule"] == str(Rule.objects.get().pk)
    for id in (trigger, task):
        do(alice, world, do="remove", ids=[id])
    assert publish().status_code == 200
    assert Rule.objects.get().retired
    alice.post(url(world, f"versions/{Publication.objects.order_by('number')[1].number}/restore/"))
    assert [one for one in alice.get(url(world, "state/")).json()["findings"] if one["level"] == "error"] == []
    assert publish().status_code == 200
    assert not Rule.objects.get().retired
    assert Trigger.objects.get(retired=False).settings["rule"] == str(Rule.objects.get().pk)


def test_what_is_missing_is_told_with_its_field(world, alice):
    add(alice, world)
    found = alice.get(url(world, "state/")).json()["findings"]
    assert "Text: This field is required." in [one["sentence"] for one in found]
