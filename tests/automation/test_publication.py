"""One publication for every writer of rules and triggers: what it writes, whose rights follow, what planned runs do."""

import traceback
from datetime import timedelta
from io import StringIO

import pytest
from auditlog.models import LogEntry
from django.core.management import call_command
from django.db import connection

from automation import live
from automation.document import RULE, SET, STAGE, Document, Faulty, Place, RulePart, SetPart, VariablePart
from automation.engine import settling
from automation.models import Rule, RuleSet, Run, Trigger
from automation.publishing import doors, drafts
from automation.publishing.comparing import compare
from automation.publishing.models import Draft, Publication, RuleRevision
from automation.publishing.publishing import editing
from automation.publishing.rows import read
from crm.ground import clock
from crm.items import retiring
from crm.models import Event, Job, Role, Stage
from crm.pipelines.rights import Scope
from tests.crm.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
LATER = {"when": "delay", "amount": 1, "unit": "hours"}
ADMIN = Publication.Origin.ADMIN


@pytest.fixture
def alice(world, client):
    return Caller(client, world.alice)


@pytest.fixture
def bob(world, client):
    """He sets the pipeline up as well."""
    world.role(world.bob, configure=Scope.ALL)
    return world.bob


def on(world, stage="talk"):
    return Place(STAGE, str(world.stages[stage].pk))


def rule(id, **more):
    settings = more.pop("settings", {"text": id})
    return RulePart(
        id=id, name=more.pop("name", id), key=more.pop("key", id), action="add_comment", settings=settings, **more
    )


def live_with(world, *parts, by=None, stage="talk"):
    with editing(world.pipeline, by or world.alice, Publication.Origin.TEXT) as under_way:
        for part in parts:
            under_way.document.add(RULE, on(world, stage), part)
    return under_way.publication


def changed(world, by, change, **more):
    with editing(world.pipeline, by, Publication.Origin.DESIGNER) as under_way:
        change(under_way.document)
        under_way.decisions = more
    return under_way.publication


# ---------------------------------------------------------------------- what is written


def test_the_rows_that_were_there_are_version_1(world):
    old = world.rule("talk", key="old")
    live_with(world, rule("new"))
    first, second = Publication.objects.order_by("number")
    assert (first.number, first.origin, first.published_by) == (1, "first", None)
    assert [part.id for _k, _s, part in Document.model_validate(first.document).placed()] == [old.uid]
    assert (second.number, second.published_by) == (2, world.alice)


def test_only_rows_that_differ_are_written_and_the_others_keep_their_publisher(world, bob):
    live_with(world, rule("a"), rule("b"))
    before = {row.uid: (row.pk, row.version) for row in Rule.objects.all()}
    changed(world, bob, lambda document: document.find("b")[2].settings.update(text="other"))
    a, b = Rule.objects.get(uid="a"), Rule.objects.get(uid="b")
    assert ((a.pk, a.version), a.publisher) == (before["a"], world.alice)
    assert (b.pk, b.version > before["b"][1], b.publisher) == (before["b"][0], True, bob)


def test_what_is_live_already_is_no_version(world):
    live_with(world, rule("a"))
    document = read(world.pipeline).document
    assert drafts.publish_document(world.pipeline, document, world.alice, ADMIN, decisions={}) is None
    assert Publication.objects.count() == 2


def test_what_comes_back_is_the_same_row_with_its_history(world):
    live_with(world, rule("a"))
    pk = Rule.objects.get().pk
    changed(world, world.alice, lambda document: document.remove("a"))
    assert Rule.objects.get().retired
    live_with(world, rule("a"))
    row = Rule.objects.get()
    assert (row.pk, row.retired, row.is_enabled) == (pk, False, True)


def test_two_rules_may_swap_their_keys_and_places(world):
    live_with(world, rule("a"), rule("b"))

    def swap(document):
        document.find("a")[2].key, document.find("b")[2].key = "b", "a"
        document.move("a", on(world), 1)

    changed(world, world.alice, swap)
    assert list(Rule.objects.order_by("order").values_list("uid", "key")) == [("b", "a"), ("a", "b")]


def test_a_new_set_and_the_rule_that_calls_it_go_live_together(world):
    def add(document):
        document.sets["follow-up"] = SetPart(name="Follow up")
        document.add(RULE, Place(SET, "follow-up"), rule("inner"))
        call = RulePart(id="call", name="Call", key="call", action="run_rule_set", settings={"rule_set": "follow-up"})
        document.add(RULE, on(world), call)

    changed(world, world.alice, add)
    assert Rule.objects.get(uid="call").settings == {"rule_set": str(RuleSet.objects.get().pk)}
    assert read(world.pipeline).document.find("call")[2].settings == {"rule_set": "follow-up"}


def test_sets_that_call_each_other_are_refused(world):
    def circle(document):
        for mine, other in (("one", "two"), ("two", "one")):
            document.sets[mine] = SetPart(name=mine)
            call = RulePart(id=f"c-{mine}", name="C", key="c", action="run_rule_set", settings={"rule_set": other})
            document.add(RULE, Place(SET, mine), call)

    with pytest.raises(Faulty, match="circle: one → two → one"):
        changed(world, world.alice, circle)
    assert not RuleSet.objects.exists()


def test_each_publication_stands_in_the_audit_log(world, bob):
    live_with(world, rule("a"))
    changed(world, bob, lambda document: document.find("a")[2].settings.update(text="other"))
    created, updated = LogEntry.objects.get_for_model(Rule).order_by("pk")
    assert (created.action, created.actor) == (LogEntry.Action.CREATE, world.alice)
    assert (updated.action, updated.actor) == (LogEntry.Action.UPDATE, bob)
    assert updated.changes["settings"] == ['{"text": "a"}', '{"text": "other"}']


# ---------------------------------------------------------------------- whose rights


@pytest.mark.parametrize(
    ("change", "given"),
    [
        (lambda world, document: document.find("b")[2].settings.update(text="x"), {"b"}),
        (lambda world, document: document.find("b")[2].timing.update(LATER), {"b"}),
        (lambda world, document: setattr(document.find("b")[2], "key", "other"), {"b"}),
        (lambda world, document: document.move("b", on(world, "papers")), {"b", "c"}),
        (lambda world, document: document.move("a", on(world), 1), {"c"}),  # another rule stands before it now
        (lambda world, document: document.move("a", on(world), 2), set()),
        (lambda world, document: setattr(document.find("b")[2], "name", "Other"), set()),
        (lambda world, document: document.add(RULE, on(world), rule("d")), {"d"}),
    ],
)
def test_an_edit_gives_a_rule_to_who_publishes_it_and_an_order_does_not(world, bob, change, given):
    """c follows what stands before it."""
    live_with(world, rule("a"), rule("b"), rule("c", after_previous="ended"))
    before = set(Rule.objects.filter(publisher=bob))
    changed(world, bob, lambda document: change(world, document))
    found = set(Rule.objects.filter(publisher=bob).values_list("uid", flat=True))
    assert (before, found) == (set(), given)


def test_a_colleague_takes_over_what_is_left_as_it_is(world, bob):
    live_with(world, rule("a"), rule("b"))
    assert doors.take_over(list(Rule.objects.filter(uid="a")), bob) == 1
    assert {row.uid: row.publisher for row in Rule.objects.all()} == {"a": bob, "b": world.alice}
    assert Publication.objects.first().origin == "taken"


def test_a_stage_that_is_taken_out_hands_its_rules_over_with_their_publishers(world, bob):
    live_with(world, rule("a"), by=bob)
    world.trigger("talk", publisher=bob)
    retiring.retire(world.stages["talk"], world.stages["papers"], by=world.alice)
    assert Rule.objects.get().stage == world.stages["papers"]
    assert (Rule.objects.get().publisher, Trigger.objects.get().publisher) == (bob, bob)
    assert Publication.objects.first().origin == "stage"


# ---------------------------------------------------------------------- one writer

WRITERS = ("automation/publishing/writing.py", "automation/live.py")


class Watch:
    """Who writes columns of rules and triggers: the innermost files of ours that stood in the way of each statement."""

    def __init__(self):
        self.found = set()

    def __call__(self, execute, sql, params, many, context):
        words = sql.split('"', 2)
        if words[0].strip() in ("INSERT INTO", "UPDATE", "DELETE FROM") and words[1] in (
            "automation_rule",
            "automation_trigger",
        ):
            names = [frame.filename for frame in traceback.extract_stack() if "/automation/" in frame.filename]
            self.found |= {
                name[name.index("automation/") :] for name in names if "/tests/" not in name and "models" not in name
            } & {*WRITERS} or {sql[:200]}
        return execute(sql, params, many, context)


def test_no_other_door_writes_rules_and_triggers(world, alice, client, drain):
    watch = Watch()
    base = {"name": "N", "key": "", "order": 1, "is_enabled": "on", "repeat": "every", "repeat_days": 30}
    base |= {"on_leave": "cancel", "hourly_limit": 1000, "retry_hours": 24, "if-glue": "all", "when-when": "now"}
    talk = world.stages["talk"].pk
    with connection.execute_wrapper(watch):
        made = alice.post("/rules", {"stage": talk, "action": "add_comment", "settings": {"text": "x"}}).data
        alice("PATCH", f"/rules/{made['id']}", {"settings": {"text": "y"}, "is_enabled": False})
        trigger = alice.post("/triggers", {"stage": talk, "type": "task_status", "settings": {"status": "done"}}).data
        alice("PATCH", f"/triggers/{trigger['id']}", {"allow_moving_back": True})
        client.force_login(world.alice)
        added = client.post(f"/admin/automation/rule/add/?stage={talk}&kind=add_comment", base | {"own-text": "x"})
        assert added.status_code == 302
        fresh = Rule.objects.order_by("-pk")[0]
        changes = base | {"own-text": "z", "key": fresh.key, "order": fresh.order}
        assert client.post(f"/admin/automation/rule/{fresh.pk}/change/", changes).status_code == 302
        for action in ("take_over", "confirm_conditions", "release_paused", "delete_selected"):
            sent = {"action": action, "_selected_action": [fresh.pk], "post": "yes"}
            assert client.post("/admin/automation/rule/", sent).status_code == 302
        alice("DELETE", f"/triggers/{trigger['id']}")
        live.pause(Rule.objects.get(pk=made["id"]), "why")
        retiring.retire(world.stages["talk"], world.stages["papers"], by=world.alice)
        draft = drafts.save(world.pipeline, read(world.pipeline).document, world.alice, 0)
        drafts.publish_draft(world.pipeline, world.alice, draft.revision, decisions={})
        drain()
    assert watch.found == set(WRITERS)


# ---------------------------------------------------------------------- planned runs


def planned(world):
    """A run of rule a, planned for in an hour."""
    live_with(world, rule("a", timing=dict(LATER)))
    world.move(world.deal(), "talk")
    return Run.objects.get()


def edit(document):
    document.find("a")[2].settings = {"text": "new"}
    document.find("a")[2].timing = LATER | {"amount": 2}


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize(
    ("decision", "hours", "comments", "status"),
    [("new", 2, ["new"], "done"), ("old", 1, ["a"], "done"), ("cancel", 2, [], "cancelled")],
)
def test_planned_runs_do_what_was_decided_before_their_job_has_run_too(
    world, now, drain, decision, hours, comments, status, settled
):
    """Killed between publication and its jobs: the same end."""
    run = planned(world)
    changed(world, world.alice, edit, a=decision)
    if settled:
        drain()
    else:
        Job.objects.filter(kind="settle_rule").update(due_at=now + timedelta(days=3))
    with clock.at(now + timedelta(hours=hours)):
        drain()
    run.refresh_from_db()
    assert (run.status, world.comments(run.item)) == (status, comments)


def test_the_first_decision_since_it_was_planned_counts(world, now, drain):
    run = planned(world)
    Job.objects.all().delete()
    changed(world, world.alice, lambda document: document.find("a")[2].settings.update(text="second"), a="new")
    changed(world, world.alice, lambda document: document.find("a")[2].settings.update(text="third"), a="old")
    changed(world, world.alice, lambda document: document.find("a")[2].settings.update(text="fourth"), a="new")
    Job.objects.filter(kind="settle_rule").delete()
    with clock.at(now + timedelta(hours=1)):
        drain()
    assert world.comments(run.item) == ["second"]
    assert RuleRevision.objects.count() == 3


def test_a_rule_that_is_taken_away_or_switched_off_ends_what_it_had_planned(world, drain):
    run = planned(world)
    changed(world, world.alice, lambda document: document.remove("a"))
    drain()
    run.refresh_from_db()
    assert run.status == "cancelled"


def test_a_job_that_runs_twice_settles_once(world, now, drain):
    run = planned(world)
    changed(world, world.alice, edit)
    job = Job.objects.get(kind="settle_rule")
    drain()
    settling.settle(job)
    run.refresh_from_db()
    assert run.due_at == now + timedelta(hours=2)


# ---------------------------------------------------------------------- switches


def test_a_switch_is_live_and_no_publication_turns_it(world, drain):
    live_with(world, rule("a"), rule("b"))
    number = Publication.objects.count()
    assert doors.switch(Rule.objects.get(uid="a"), False, world.alice) == 0
    assert Publication.objects.count() == number
    assert Event.objects.get(kind="automation.switched").data("id") == "a"
    changed(world, world.alice, edit)
    assert not Rule.objects.get(uid="a").is_enabled
    drafts.restore(Publication.objects.get(number=2), world.alice)
    made = drafts.publish_draft(world.pipeline, world.alice, 1, decisions={})
    assert made is not None
    assert not Rule.objects.get(uid="a").is_enabled
    drafts.restore(Publication.objects.get(number=2), world.alice, switches=True)
    assert Rule.objects.get(uid="a").is_enabled


# ---------------------------------------------------------------------- drafts


def test_a_draft_that_somebody_edited_meanwhile_is_not_overwritten(world, bob):
    document = read(world.pipeline).document
    drafts.save(world.pipeline, document, world.alice, 0)
    with pytest.raises(drafts.Outdated) as stale:
        drafts.save(world.pipeline, document, bob, 0)
    assert stale.value.draft.changed_by == world.alice
    assert "Alice Head" in str(stale.value)


def test_what_was_published_meanwhile_stays_and_the_same_rule_twice_is_a_conflict(world, bob):
    live_with(world, rule("a"), rule("b"))
    document = read(world.pipeline).document
    document.find("a")[2].settings = {"text": "draft"}
    drafts.save(world.pipeline, document, world.alice, 0)
    changed(world, bob, lambda document: document.find("b")[2].settings.update(text="meanwhile"))
    drafts.publish_draft(world.pipeline, world.alice, 1, decisions={})
    assert {row.uid: row.settings["text"] for row in Rule.objects.all()} == {"a": "draft", "b": "meanwhile"}
    assert not Draft.objects.exists()

    document = read(world.pipeline).document
    document.find("a")[2].settings = {"text": "draft again"}
    drafts.save(world.pipeline, document, world.alice, 0)
    changed(world, bob, lambda document: document.find("a")[2].settings.update(text="bob's"))
    with pytest.raises(drafts.Conflict, match="“a” is changed in “Talk”"):
        drafts.publish_draft(world.pipeline, world.alice, 1, decisions={})
    assert Rule.objects.get(uid="a").settings == {"text": "bob's"}


def test_only_mine_leaves_what_others_changed_in_the_draft(world, bob):
    live_with(world, rule("a"), rule("b"))
    document = read(world.pipeline).document
    document.find("a")[2].settings = {"text": "alice's"}
    draft = drafts.save(world.pipeline, document, world.alice, 0)
    document.find("b")[2].settings = {"text": "bob's"}
    draft = drafts.save(world.pipeline, document, bob, draft.revision)
    drafts.publish_draft(world.pipeline, bob, draft.revision, only_mine=True, decisions={})
    assert {row.uid: row.settings["text"] for row in Rule.objects.all()} == {"a": "a", "b": "bob's"}
    left = drafts.draft_of(world.pipeline)
    found = compare(Document.model_validate(left.base.document), drafts.document_of(left))
    assert [(change.id, change.verb) for change in found] == [("a", "changed")]
    assert left.authors == {"a": world.alice.pk}


def test_a_faulty_draft_is_kept_and_only_its_publication_refused(world):
    document = read(world.pipeline).document
    document.add(RULE, on(world), rule("a", settings={"text": "{{ contact.shoe_size }}"}))
    drafts.save(world.pipeline, document, world.alice, 0)
    with pytest.raises(Faulty) as refused:
        drafts.publish_draft(world.pipeline, world.alice, 1, decisions={})
    (fault,) = refused.value.faults
    assert fault.place == f"stages.{world.stages['talk'].pk}.rules.a.settings.text"
    assert "shoe_size" in fault.sentence
    assert drafts.draft_of(world.pipeline).revision == 1


def test_a_draft_whose_stage_is_gone_says_so(world):
    document = read(world.pipeline).document
    document.add(RULE, on(world), rule("a"))
    drafts.save(world.pipeline, document, world.alice, 0)
    Stage.objects.filter(pk=world.stages["talk"].pk).update(retired=True)
    with pytest.raises(Faulty, match="“Talk” no longer exists"):
        drafts.publish_draft(world.pipeline, world.alice, 1, decisions={})


def test_a_rule_that_reads_what_is_taken_away_stands_in_its_way(world, alice):
    live_with(
        world,
        RulePart(
            id="code", name="Code", key="code", action="generate_code", settings={"alphabet": "digits", "length": "6"}
        ),
    )
    live_with(world, rule("tell", settings={"text": "{{ rules.code.code }}"}))
    pk = Rule.objects.get(uid="code").pk
    answer = alice("DELETE", f"/rules/{pk}")
    assert answer.status_code == 422
    assert "rules.code.code" in str(answer.data)
    assert not Rule.objects.get(pk=pk).retired


# ---------------------------------------------------------------------- over the API, and as text


def test_a_draft_is_saved_published_and_taken_back_over_the_api(world, alice):
    path = f"/pipelines/{world.pipeline.pk}/automation"
    found = alice.get(f"{path}/draft").data
    assert (found["revision"], found["changes"], found["faults"]) == (0, [], [])
    document = found["document"]
    talk = str(world.stages["talk"].pk)
    part = {
        "id": "hello",
        "key": "hello",
        "name": "Hello",
        "action": "add_comment",
        "settings": {"text": "Hi"},
        "x_later": [1],
    }
    document["stages"][talk] = {"rules": [part]}
    saved = alice("PUT", f"{path}/draft", {"revision": 0, "document": document})
    assert saved.status_code == 200, saved.data
    assert [change["sentence"] for change in saved.data["changes"]] == ["Rule “Hello” is added in “Talk”"]
    assert alice("PUT", f"{path}/draft", {"revision": 0, "document": document}).status_code == 409
    live_now = alice.post(f"{path}/publish", {"revision": 1, "note": "first words"})
    assert live_now.status_code == 200, live_now.data
    assert live_now.data["document"]["stages"][talk]["rules"][0]["x_later"] == [1]
    assert Rule.objects.get().publisher == world.alice
    assert [row["version"] for row in alice.get(f"{path}/versions").data["items"]] == [2, 1]
    assert alice.post(f"{path}/versions/1/restore", {}).data["changes"][0]["verb"] == "removed"
    assert alice.post(f"{path}/publish", {"revision": 1}).status_code == 200
    assert Rule.objects.get().retired
    assert alice("DELETE", f"{path}/draft").status_code == 204


def test_who_does_not_set_the_pipeline_up_reads_at_most(world, client):
    world.role(world.bob)
    bob, charlie = Caller(client, world.bob), Caller(client, world.charlie)
    path = f"/pipelines/{world.pipeline.pk}/automation"
    assert bob.get(path).status_code == 200
    for verb, where in (
        ("GET", "/draft"),
        ("PUT", "/draft"),
        ("DELETE", "/draft"),
        ("POST", "/publish"),
        ("GET", "/versions"),
    ):
        body = {"revision": 1, "document": {}} if where == "/draft" else {"revision": 1}
        assert bob(verb, f"{path}{where}", body if verb in ("PUT", "POST") else None).status_code == 404
    world.role(world.charlie, pipeline=world.pipeline, view=Scope.NONE)
    assert charlie.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"document": {"format": 9}}, "format 9"),
        ({"document": {"stages": 5}}, "object"),
        ({"text": "stages: ["}, "cannot be read"),
        ({}, "either a document or a text"),
    ],
)
def test_what_is_no_document_is_refused_by_the_api_too(world, alice, body, words):
    answer = alice("PUT", f"/pipelines/{world.pipeline.pk}/automation/draft", {"revision": 0} | body)
    assert answer.status_code == 422
    assert words in str(answer.data)
    assert not Draft.objects.exists()


def command(*words):
    out, err = StringIO(), StringIO()
    call_command("automation", *words, stdout=out, stderr=err)
    return out.getvalue()


def test_the_text_is_exported_edited_planned_and_applied(world, tmp_path):
    live_with(world, rule("a", settings={"text": "Hello"}))
    file = tmp_path / "sales.yaml"
    command("export", world.pipeline.name, "--output", str(file))
    assert command("plan", str(file)) == "Nothing differs from what is live.\n"
    file.write_text(file.read_text().replace("Hello", "Good morning"))
    told = command("plan", str(file))
    assert "Rule “a” is changed in “Talk”" in told
    assert "Hello → Good morning" in told
    assert command("test", str(file)) == "It could go live.\n"
    with pytest.raises(Exception, match="--as"):
        command("apply", str(file))
    assert Rule.objects.get().settings == {"text": "Hello"}
    assert "version 3 is live" in command("apply", str(file), "--as", world.alice.email)
    assert Rule.objects.get().settings == {"text": "Good morning"}


def test_an_old_text_overwrites_nothing_that_was_published_since(world, bob, tmp_path):
    live_with(world, rule("a"), rule("b"))
    file = tmp_path / "sales.yaml"
    command("export", world.pipeline.name, "--output", str(file))
    changed(world, bob, lambda document: document.find("b")[2].settings.update(text="meanwhile"))
    file.write_text(file.read_text().replace("text: a", "text: from the file"))
    command("apply", str(file), "--as", world.alice.email)
    assert {row.uid: row.settings["text"] for row in Rule.objects.all()} == {"a": "from the file", "b": "meanwhile"}


def test_whoever_may_not_set_it_up_applies_no_text(world, tmp_path):
    file = tmp_path / "sales.yaml"
    command("export", world.pipeline.name, "--output", str(file))
    with pytest.raises(Exception, match="may not set up"):
        command("apply", str(file), "--as", world.charlie.email)


# ---------------------------------------------------------------------- what a cold reading of the publication found


def test_a_draft_saved_while_another_is_published_is_not_deleted_with_it(world, bob):
    document = read(world.pipeline).document
    document.add(RULE, on(world), rule("a"))
    draft = drafts.save(world.pipeline, document, world.alice, 0)
    document.find("a")[2].name = "Typed meanwhile"
    drafts.save(world.pipeline, document, bob, draft.revision)
    with pytest.raises(drafts.Outdated):
        drafts.publish_draft(world.pipeline, world.alice, draft.revision, decisions={})
    assert drafts.document_of(drafts.draft_of(world.pipeline)).find("a")[2].name == "Typed meanwhile"


def test_who_does_not_see_profit_publishes_beside_a_rule_that_reads_it(world, bob, client):
    Role.objects.create(name="Controllers", sees_profit=True).people.add(world.charlie)
    secret = world.rule("talk", key="secret", settings={"text": "{{ item.profit }}"}, publisher=world.charlie)
    talk = world.stages["talk"].pk
    made = Caller(client, bob).post("/rules", {"stage": talk, "action": "add_comment", "settings": {"text": "x"}})
    assert made.status_code == 201, made.data
    document = read(world.pipeline).document
    document.add(RULE, on(world), rule("b"))
    drafts.save(world.pipeline, document, bob, 0)
    drafts.publish_draft(world.pipeline, bob, 1, decisions={})
    secret.refresh_from_db()
    assert secret.publisher == world.charlie
    with pytest.raises(Faulty, match="does not see cost prices"):
        doors.take_over([secret], bob)


@pytest.mark.parametrize("gone", ["set", "variable"])
def test_what_rules_name_is_not_taken_out_under_them(world, gone):
    def add(document):
        document.sets["greet"] = SetPart(name="Greet")
        document.variables.append(VariablePart(key="count", label="Count", type="number"))
        call = RulePart(id="call", name="Call", key="call", action="run_rule_set", settings={"rule_set": "greet"})
        told = rule("tell", settings={"text": "{{ vars.count }}"})
        document.add(RULE, on(world), call)
        document.add(RULE, on(world, "papers"), told)

    def take_out(document):
        if gone == "set":
            document.sets.pop("greet")
        else:
            document.variables.clear()

    changed(world, world.alice, add)
    with pytest.raises(Faulty) as refused:
        changed(world, world.alice, take_out)
    where = {"set": "rules.call.settings.rule_set", "variable": "rules.tell.settings.text"}[gone]
    assert refused.value.faults[0].place.endswith(where)
    assert not RuleSet.objects.get().retired


def test_what_was_wrong_before_keeps_nobody_from_switching_off(world, alice):
    """A stage that went without the wizard still has a rule: its neighbours can be changed all the same."""
    world.rule("papers", key="left")
    mine = world.rule("talk", key="mine")
    Stage.objects.filter(pk=world.stages["papers"].pk).update(retired=True)
    assert alice("PATCH", f"/rules/{mine.pk}", {"is_enabled": False, "settings": {"text": "y"}}).status_code == 200
    mine.refresh_from_db()
    assert not mine.is_enabled


def test_all_that_is_wrong_at_a_place_is_told(world, alice):
    live_with(
        world,
        RulePart(
            id="code", name="C", key="code", action="generate_code", settings={"alphabet": "digits", "length": "6"}
        ),
    )
    live_with(
        world,
        rule("one", settings={"text": "{{ rules.code.code }}"}),
        rule("two", settings={"text": "{{ rules.code.code }}"}),
    )
    answer = alice("DELETE", f"/rules/{Rule.objects.get(uid='code').pk}")
    places = answer.data["error"]["fields"]
    assert {place.split(".")[3] for place in places} == {"one", "two"}
