"""Checks: for each a document that has the fault, and its nearest neighbour that has not; what one click mends."""

from datetime import timedelta

import pytest

from automation.base import Action, Done, actions
from automation.checking import ERROR, Check, checks, findings
from automation.document import RULE, STAGE, TRIGGER, Faulty, Place, RulePart, TriggerPart
from automation.models import Rule
from automation.publishing import doors, drafts
from automation.publishing.publishing import editing
from automation.publishing.rows import read
from crm.ground import clock
from crm.models import Channel, Department, FormField, OwnCompany, Pipeline, Stage, StageTransition, StageVisit, WebForm
from crm.pipelines.rights import Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

SMS = {"text": "Hello"}
MAIL = {"subject": "Hello", "body": "Hello"}


class Desk:
    """A document under hands: rules and triggers by stage, and what one check says of it."""

    def __init__(self, world):
        self.world, self.live = world, read(world.pipeline)
        self.document = self.live.document.copy_of()
        self.count = 0

    def place(self, stage="talk"):
        return Place(STAGE, str(self.world.stages[stage].pk))

    def rule(self, action="add_comment", settings=None, stage="talk", **more):
        self.count += 1
        own = {"id": f"r{self.count}", "key": f"k{self.count}", "name": f"Rule {self.count}"} | more
        part = RulePart(action=action, settings={"text": "x"} if settings is None else settings, **own)
        self.document.add(RULE, self.place(stage), part)
        return part

    def trigger(self, type, settings=None, stage="talk", **more):
        self.count += 1
        part = TriggerPart(id=f"t{self.count}", name="T", type=type, settings=settings or {}, **more)
        self.document.add(TRIGGER, self.place(stage), part)
        return part

    def says(self, key, by=None):
        return [one.sentence for one in findings(self.live, self.document, by or self.world.alice, only=key)]


@pytest.fixture
def desk(world):
    return Desk(world)


def to(world, stage):
    return {"stage": str(world.stages[stage].pk)}


DELAY = {"when": "delay", "amount": 2, "unit": "days"}


# Each: a document with the fault; what makes of it a neighbour without; a word of the sentence.


def gone_stage(world, desk):
    desk.rule(stage="papers")
    desk.live.stages[str(world.stages["papers"].pk)].retired = True
    yield "no longer exists"
    desk.document.remove("r1")


def key_twice(world, desk):
    desk.rule(key="same")
    second = desk.rule(key="same")
    yield "“same”"
    second.key = "other"


def later_output(world, desk):
    reader = desk.rule(settings={"text": "{{ rules.k2.code }}"})
    desk.rule("generate_code", {"length": "6", "alphabet": "digits"})
    yield "Rule 2"
    desk.document.remove(reader.id)
    desk.document.add(RULE, desk.place(), reader)


def own_stage(world, desk):
    rule = desk.rule("change_stage", to(world, "talk"))
    yield "stands on this stage"
    rule.settings = to(world, "pay")


def contradicting_moves(world, desk):
    desk.rule("change_stage", to(world, "pay"))
    second = desk.rule("change_stage", to(world, "papers"))
    yield "moves the card elsewhere"
    second.timing = DELAY


def publisher_rights(world, desk):
    world.role(world.charlie, configure=Scope.ALL, move=Scope.NONE)
    rule = desk.rule("change_stage", to(world, "pay"))
    yield "may not move"
    rule.action, rule.settings = "add_comment", {"text": "x"}


def unawaited(world, desk):
    desk.rule("request_approval")
    second = desk.rule()
    yield "does not wait for “Rule 1”"
    second.after_previous = "done"


def drastic(world, desk):
    rule = desk.rule("add_to_exceptions", {"what": "both", "then": "keep"})
    yield "every card"
    rule.condition = {"all": [{"field": "item.source", "op": "equals", "value": "spam"}]}


def after_leaving(world, desk):
    desk.rule("change_stage", to(world, "pay"))
    second = desk.rule()
    yield "leaves the stage"
    second.on_leave = "keep"


def loop(world, desk):
    desk.rule("change_stage", to(world, "pay"), stage="talk")
    back = desk.rule("change_stage", to(world, "talk"), stage="pay")
    yield "Talk → Pay → Talk"
    back.settings = to(world, "won")


def endless(world, desk):
    desk.rule("change_stage", to(world, "pay"), stage="talk")
    back = desk.rule("change_stage", to(world, "talk"), stage="pay")
    yield "Talk → Pay → Talk"
    back.timing = DELAY


def unawaited_result(world, desk):
    desk.rule("request_approval")
    desk.rule()
    reader = desk.rule(settings={"text": "{{ rules.k1.comment }}"})
    yield "gives, and does not wait"
    reader.settings = {"text": "{{ item.title }}"}


def dead_stage(world, desk):
    StageTransition.objects.create(pipeline=world.pipeline, source=world.stages["new"], target=world.stages["talk"])
    world.pipeline.touch_machine()
    desk.rule(stage="talk")
    rule = desk.rule(stage="pay")
    yield "can bring a card to “Pay”"
    desk.document.remove(rule.id)


def never_true(world, desk):
    wanted = [
        {"field": "item.amount", "op": "more_than", "value": "100"},
        {"field": "item.amount", "op": "less_than", "value": "50"},
    ]
    rule = desk.rule(condition={"all": wanted})
    yield "rule each other out"
    rule.condition = {"any": wanted}


def never_true_elsewhere(world, desk):
    rule = desk.rule(condition={"field": "stage", "op": "one_of", "value": [str(world.stages["pay"].pk)]})
    yield "rule each other out"
    rule.condition["value"].append(str(world.stages["talk"].pk))


def nobody_receives(world, desk):
    empty = Department.objects.create(name="Nobody")
    rule = desk.rule("notify", {"to_department": str(empty.pk), "text": "x"})
    yield "Nobody would get it"
    rule.settings["to_users"] = [str(world.bob.pk)]
    desk.live = read(world.pipeline)


def form_of(world, **more):
    return WebForm.objects.create(name="Site", slug="site", pipeline=world.pipeline, heading="x", thanks="x", **more)


def no_address(world, desk):
    field = FormField.objects.create(
        form=form_of(world), key="phone", kind="phone", label="Phone", saves_to="contact.phone"
    )
    desk.rule("send_sms", SMS, stage="new")
    yield "“Site”"
    field.required = True
    field.save()


def country_list(world, desk):
    OwnCompany.objects.update_or_create(pk=1, defaults={"name": "Dom", "sms_countries": "", "calendar": world.calendar})
    form_of(world)
    rule = desk.rule("send_sms", SMS, stage="new")
    yield "lists no country"
    rule.action, rule.settings = "send_email", MAIL


def same_minute(world, desk):
    desk.rule("send_sms", SMS)
    second = desk.rule("send_sms", SMS)
    yield "in the same minute"
    second.timing = DELAY


def at_night(world, desk):
    rule = desk.rule("send_sms", SMS, timing=DELAY)
    yield "at night"
    rule.timing = DELAY | {"delay_at": "10:00"}


def longer_than_stay(world, desk):
    for number in range(12):
        deal = world.deal(title=f"Deal {number}")
        StageVisit.objects.create(
            item=deal,
            stage=world.stages["talk"],
            entered_at=clock.now() - timedelta(days=3),
            left_at=clock.now() - timedelta(days=2),
        )
    rule = desk.rule(timing=DELAY)
    yield "within 1 day"
    rule.on_leave = "keep"


def no_channel(world, desk):
    Channel.objects.filter(medium="sms").update(is_active=False)
    rule = desk.rule("send_sms", SMS)
    yield "SMS"
    rule.action, rule.settings = "send_email", MAIL


CASES = [
    gone_stage, key_twice, later_output, own_stage, contradicting_moves, publisher_rights, unawaited, drastic, after_leaving, loop, endless, unawaited_result,
    dead_stage, never_true, never_true_elsewhere, nobody_receives, no_address, country_list, same_minute, at_night, longer_than_stay,
    no_channel,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_check_finds_its_fault_and_not_its_nearest_neighbour(world, desk, case):
    key = case.__name__.removesuffix("_elsewhere")
    by = world.charlie if key == "publisher_rights" else world.alice
    steps = case(world, desk)
    word = next(steps)
    told = desk.says(key, by)
    assert any(word in sentence for sentence in told), told
    next(steps, None)
    assert desk.says(key, by) == []


def test_every_check_has_a_case():
    assert {case.__name__.removesuffix("_elsewhere") for case in CASES} == {check.key for check in checks}


MENDED = [gone_stage, key_twice, later_output, own_stage, unawaited, unawaited_result, after_leaving, at_night]


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.__name__)
def test_one_click_mends_it_in_the_draft(world, client, desk, case):
    """Over the page's own address, and it is one step to undo."""
    next(case(world, desk))
    if case is gone_stage:
        world.stages["papers"].retired = True
        world.stages["papers"].save()
    drafts.save(world.pipeline, desk.document, world.alice, 0)
    client.force_login(world.alice)
    address = f"/automation/{world.pipeline.pk}/"
    found = [one for one in client.get(f"{address}state/").json()["findings"] if one.get("check") == case.__name__]
    assert found[0]["fix"], found
    asked = {"do": "mend", "check": found[0]["check"], "where": found[0]["place"]}
    assert client.post(f"{address}do/", asked).status_code == 200
    left = client.get(f"{address}state/").json()["findings"]
    assert not [one for one in left if one.get("check") == case.__name__]
    assert client.post(f"{address}do/", asked).status_code == 409  # it is mended
    assert client.post(f"{address}undo/").status_code == 200
    assert found == [
        one for one in client.get(f"{address}state/").json()["findings"] if one.get("check") == case.__name__
    ]


@pytest.mark.parametrize(
    "case", [own_stage, contradicting_moves, key_twice, later_output], ids=lambda case: case.__name__
)
def test_errors_keep_it_from_going_live_and_warnings_do_not(world, desk, case):
    next(case(world, desk))
    with pytest.raises(Faulty), editing(world.pipeline, world.alice, "designer", whole=True) as under_way:
        under_way.document = desk.document
    assert not Rule.objects.exists()


def test_a_warning_is_no_obstacle(world, desk):
    next(drastic(world, desk))
    with editing(world.pipeline, world.alice, "designer", whole=True) as under_way:
        under_way.document = desk.document
    assert Rule.objects.count() == 1


def test_a_check_that_breaks_is_left_out_and_the_others_count(world, desk, caplog):
    class Broken(Check):
        key, label, level = "broken_one", "Broken", ERROR

        def look(self, checked):
            raise ZeroDivisionError

    next(drastic(world, desk))
    with checks.temporarily(Broken):
        assert desk.says("")
    assert "broken_one" in caplog.text


def test_a_rule_that_is_off_is_not_warned_about(world, desk):
    rule = desk.rule("add_to_exceptions", {"what": "both", "then": "keep"})
    rule.is_enabled = False
    assert desk.says("drastic") == []


# ---------------------------------------------------------------------- what a cold reader found


def ids(desk, stage="talk"):
    return [(part.id, part.after_previous) for part in desk.document.rules_of(desk.place(stage))]


def test_no_click_takes_a_move_out_from_behind_its_approval(world, desk):
    desk.rule("request_approval")
    desk.rule("change_stage", to(world, "pay"), after_previous="done")
    desk.rule(after_previous="done")
    found = findings(desk.live, desk.document, world.alice, only="after_leaving")
    assert [(one.place.split(".")[-1], one.fix) for one in found] == [("r3", None)]


def test_what_is_due_after_the_card_has_left_is_told_and_what_another_chain_does_is_not(world, desk):
    desk.rule("send_sms", SMS, timing=DELAY)
    desk.rule("change_stage", to(world, "pay"))
    assert len(desk.says("after_leaving")) == 1  # two days later the SMS is cancelled, wherever it stands
    other = Desk(world)
    other.rule("wait", {"amount": "2", "unit": "days"})
    other.rule("change_stage", to(world, "pay"), after_previous="done")
    other.rule("send_email", MAIL)
    other.rule("create_task", {"title": "x"}, after_previous="done")
    assert other.says("after_leaving") == []
    fork = Desk(world)
    fork.rule(condition={"field": "item.amount", "op": "more_than", "value": "5"})
    fork.rule("change_stage", to(world, "pay"), after_previous="done")
    fork.rule("send_sms", SMS, after_previous="ended")
    assert fork.says("after_leaving") == []


def test_clicks_leave_chains_as_they_were(world, desk):
    desk.rule("send_sms", SMS)
    desk.rule(settings={"text": "{{ rules.k4.code }}"})
    desk.rule(after_previous="done")
    desk.rule("generate_code", {"length": "6", "alphabet": "digits"})
    desk.rule(after_previous="done")
    findings(desk.live, desk.document, world.alice, only="later_output")[0].fix(desk.document)
    assert ids(desk) == [("r1", ""), ("r3", ""), ("r4", ""), ("r5", "done"), ("r2", "done")]
    own = Desk(world)
    own.rule("send_sms", SMS)
    own.rule("change_stage", to(world, "talk"))
    own.rule(after_previous="done")
    findings(own.live, own.document, world.alice, only="own_stage")[0].fix(own.document)
    assert ids(own) == [("r1", ""), ("r3", "")]


def test_a_condition_that_reads_a_later_rule_is_an_error_too(world, desk):
    desk.rule(condition={"field": "rules.k2.code", "op": "is_filled"})
    desk.rule("generate_code", {"length": "6", "alphabet": "digits"})
    found = findings(desk.live, desk.document, world.alice, only="later_output")
    assert [one.place.split(".")[-1] for one in found] == ["condition"]


def test_every_rule_needs_a_publisher_who_may_edit_and_so_does_who_takes_it_over(world, desk):
    world.role(world.charlie, configure=Scope.ALL, edit=Scope.NONE)
    desk.rule("send_sms", SMS)
    assert "may not edit" in desk.says("publisher_rights", world.charlie)[0]
    rule = world.rule("talk")
    with pytest.raises(Faulty):
        doors.take_over([rule], world.charlie)


def test_what_an_action_of_a_third_party_breaks_stays_its_own(world, desk):
    class Breaks(Action):
        key, label, group, icon = "breaks_down", "Breaks", "item", "bolt"

        def run(self, context):
            return Done()

        def moves_to(self, settings):
            raise ZeroDivisionError

    with actions.temporarily(Breaks):
        desk.rule("breaks_down", {})
        desk.rule("change_stage", to(world, "talk"))
        assert desk.says("own_stage")


@pytest.mark.parametrize(
    ("key", "more"),
    [
        ("never_true", {"on_leave": "keep", "condition": {"field": "stage", "op": "equals", "value": 0}}),
        ("contradicting_moves", {"repeat": "once"}),
    ],
)
def test_what_may_well_be_meant_is_not_told(world, desk, key, more):
    desk.rule("change_stage", to(world, "pay"))
    rule = desk.rule("change_stage", to(world, "papers"), **more)
    if rule.condition:
        rule.condition["value"] = world.stages["pay"].pk
    assert desk.says(key) == []


def test_cards_that_still_stand_there_count_for_how_long_cards_stay(world, desk):
    long_ago = clock.now() - timedelta(days=60)
    for number in range(30):
        deal = world.deal(title=f"Deal {number}")
        if number < 12:
            left = clock.now() - timedelta(days=59)
            StageVisit.objects.create(item=deal, stage=world.stages["talk"], entered_at=long_ago, left_at=left)
        else:
            StageVisit.objects.filter(item=deal).update(stage=world.stages["talk"], entered_at=long_ago)
    desk.rule(timing=DELAY)
    assert desk.says("longer_than_stay") == []


def test_a_renamed_rule_makes_no_old_contradiction_a_new_one(world):
    one, _other = (world.rule("talk", "change_stage", to(world, stage)) for stage in ("pay", "papers"))
    one.name = "Another name"
    doors.publish(one, world.alice, "admin")
    assert Rule.objects.get(pk=one.pk).name == "Another name"


def test_who_only_sees_the_pipeline_is_told_no_faults_of_channels(world, client):
    Channel.objects.filter(medium="sms").update(fault="535 auth failed for root@smtp.internal")
    world.rule("talk", "send_sms", SMS)
    for person, told in ((world.bob, False), (world.alice, True)):
        client.force_login(person)
        assert ("smtp.internal" in client.get(f"/automation/{world.pipeline.pk}/state/").content.decode()) is told


@pytest.mark.parametrize("action", ["create_item", "copy_item"])
def test_who_may_add_no_cards_in_a_pipeline_publishes_no_rule_that_makes_some_there(world, desk, action):
    other = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Service")
    there = Stage.objects.create(pipeline=other, name="Inbox", order=0)
    world.role(world.charlie, configure=Scope.ALL)
    world.role(world.charlie, pipeline=other, add=Scope.NONE)
    desk.rule(action, {"stage": str(there.pk), "title": "x"})
    assert "may not add cards in “Service”" in desk.says("publisher_rights", world.charlie)[0]
