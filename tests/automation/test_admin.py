"""Rules and triggers in the administration: fields of their type, and refusals in words."""

from datetime import timedelta

import pytest

from automation.base import Action, actions
from automation.models import Rule, Run, Trigger
from crm.models import Job, User

BASE = {
    "name": "SMS",
    "key": "",
    "order": 1,
    "is_enabled": "on",
    "after_previous": "",
    "repeat": "every",
    "repeat_days": 30,
    "on_leave": "cancel",
    "hourly_limit": 1000,
    "retry_hours": 24,
    "note": "",
    "when-when": "now",
    "if-glue": "all",
}


@pytest.fixture
def alice(world, client):
    client.force_login(world.alice)
    return client


def add(client, world, kind="send_sms", **data):
    url = f"/admin/automation/rule/add/?stage={world.stages['talk'].pk}&kind={kind}"
    return client.post(url, BASE | data)


def test_adding_asks_for_stage_and_action_first(world, alice):
    page = alice.get("/admin/automation/rule/add/").content.decode()
    for words in ("Send SMS", "Notify supervisor", "Greet", "Talk to the customer"):
        assert words in page


def test_a_rule_is_made_with_typed_settings_and_published_by_who_saved_it(world, alice, now, drain):
    answer = add(
        alice,
        world,
        **{
            "own-text": "Hi {{ contact.salutation }}",
            "when-when": "delay",
            "when-amount": 30,
            "when-unit": "working_minutes",
        },
    )
    assert answer.status_code == 302, answer.content.decode()[:2000]
    rule = Rule.objects.get()
    assert rule.settings == {"text": "Hi {{ contact.salutation }}"}
    assert rule.timing == {"when": "delay", "amount": 30, "unit": "working_minutes"}
    assert (rule.publisher, rule.key) == (world.alice, "send_sms")
    page = alice.get(f"/admin/automation/rule/{rule.pk}/change/").content.decode()
    assert "Hi {{ contact.salutation }}" in page
    assert "{&quot;" not in page  # no raw JSON


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("send_sms", {"own-text": "Hi {{ contact.nmae }}"}, "there is no field “contact.nmae”"),
        ("send_sms", {"own-text": ""}, "This field is required"),
        ("change_stage", {"own-stage": "self"}, "stands on this stage already"),
        ("change_stage", {"own-stage": "999999"}, "no longer exists"),
        ("change_owner", {"own-choose": "order"}, "Choose people or a department"),
        ("notify", {"own-text": "x"}, "Choose at least one recipient"),
        ("change_fields", {"own-field_1": "amount", "own-value_1": "a lot"}, "is not an amount"),
        ("create_task", {"own-title": "T", "own-assignee": "999999"}, "no longer active"),
        ("send_sms", {"own-text": "x", "when-when": "delay"}, "How long shall it wait?"),
        ("send_sms", {"own-text": "x", "when-when": "date"}, "which date?"),
        ("send_sms", {"own-text": "x", "if-field_1": "item.amount", "if-op_1": "more_than"}, "compared with"),
        ("send_sms", {"own-text": "x", "if-field_1": "item.amount"}, "Choose the field and the comparison"),
    ],
)
def test_a_settings_form_refuses_what_cannot_work_and_says_why(world, alice, kind, data, words):
    if data.get("own-stage") == "self":
        data = {"own-stage": world.stages["talk"].pk}
    answer = add(alice, world, kind, **data)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Rule.objects.exists()


def test_a_condition_is_kept_as_a_tree_and_shown_again(world, alice):
    add(alice, world, **{"own-text": "x", "if-field_1": "item.amount", "if-op_1": "at_least", "if-value_1": "5000"})
    rule = Rule.objects.get()
    assert rule.condition == {"all": [{"field": "item.amount", "op": "at_least", "value": "5000"}]}
    page = alice.get(f"/admin/automation/rule/{rule.pk}/change/").content.decode()
    assert 'value="5000"' in page


def test_as_many_comparisons_as_the_page_added_are_kept_and_shown_again(world, alice):
    rows = {}
    for number in range(1, 8):
        rows |= {f"if-field_{number}": "item.title", f"if-op_{number}": "contains", f"if-value_{number}": f"w{number}"}
    add(alice, world, **{"own-text": "x", "if-glue": "any"} | rows)
    rule = Rule.objects.get()
    assert [part["value"] for part in rule.condition["any"]] == [f"w{number}" for number in range(1, 8)]
    page = alice.get(f"/admin/automation/rule/{rule.pk}/change/").content.decode()
    assert 'name="if-value_7" value="w7"' in page
    assert "deeper" not in page


def test_editing_replans_switching_off_cancels_and_deleting_retires(world, alice, now, drain):
    rule = world.rule(
        "talk", timing={"when": "delay", "amount": 1, "unit": "hours"}, settings={"text": "x"}, key="k", order=1
    )
    world.move(world.deal(), "talk")
    url = f"/admin/automation/rule/{rule.pk}/change/"
    data = BASE | {
        "name": "C",
        "key": "k",
        "own-text": "new",
        "when-when": "delay",
        "when-amount": 2,
        "when-unit": "hours",
    }
    assert alice.post(url, data).status_code == 302
    assert Job.objects.filter(kind="settle_rule").exists()
    drain()
    assert Run.objects.get().due_at == now + timedelta(hours=2)
    off = {name: value for name, value in data.items() if name != "is_enabled"}
    alice.post(url, off)
    drain()
    assert Run.objects.get().status == "cancelled"
    alice.post(f"/admin/automation/rule/{rule.pk}/delete/", {"post": "yes"})
    assert Rule.objects.get().retired


def test_old_settings_may_be_kept_for_planned_runs(world, alice, now, drain):
    rule = world.rule(
        "talk", timing={"when": "delay", "amount": 1, "unit": "hours"}, settings={"text": "old"}, key="k", order=1
    )
    world.move(world.deal(), "talk")
    data = BASE | {
        "name": "C",
        "key": "k",
        "own-text": "new",
        "when-when": "delay",
        "when-amount": 1,
        "when-unit": "hours",
        "old_settings": "on",
    }
    alice.post(f"/admin/automation/rule/{rule.pk}/change/", data)
    drain()
    assert Run.objects.get().taken["settings"] == {"text": "old"}


def test_a_trigger_is_made_with_the_form_of_its_type(world, alice):
    url = f"/admin/automation/trigger/add/?stage={world.stages['pay'].pk}&kind=task_status"
    answer = alice.post(
        url, {"name": "T", "order": 1, "is_enabled": "on", "concerns": "newest", "own-status": "done", "if-glue": "all"}
    )
    assert answer.status_code == 302
    assert Trigger.objects.get().settings == {"status": "done"}


def test_runs_are_run_again_from_the_list(world, alice, now, drain):
    rule = world.rule("talk", "misbehave", {"how": "raise"})
    world.move(world.deal(), "talk")
    drain()
    rule.settings = {"how": "fine"}
    rule.save()
    failed = Run.objects.get()
    alice.post("/admin/automation/run/", {"action": "again_newest", "_selected_action": [failed.pk]})
    drain()
    assert [run.status for run in Run.objects.order_by("pk")] == ["failed", "done"]


def test_a_stage_is_removed_by_its_wizard_alone(world, alice):
    page = alice.get(f"/admin/crm/pipeline/{world.pipeline.pk}/change/").content.decode()
    assert f"/setup/stages/{world.stages['new'].pk}/remove/" in page
    assert "stages-0-DELETE" not in page


@pytest.mark.parametrize(
    "model",
    [
        "crm/user",
        "crm/pipeline",
        "crm/webform",
        "crm/workingcalendar",
        "crm/department",
        "crm/channel",
        "crm/contact",
        "crm/event",
        "crm/job",
        "crm/message",
        "crm/item",
        "crm/submission",
        "automation/rule",
        "automation/trigger",
        "automation/run",
        "automation/triggerfiring",
    ],
)
def test_every_list_opens(world, alice, drain, model):
    world.rule("new", "send_sms", {"text": "x"})
    world.trigger("talk")
    world.deal()
    drain()
    assert alice.get(f"/admin/{model}/").status_code == 200
    first = alice.get(f"/admin/{model}/").content.decode()
    assert "Dealwright" in first


def test_a_user_is_made_in_the_administration(world, alice):
    data = {
        "email": "New@Example.com",
        "name": "New",
        "usable_password": "true",
        "password1": "correct horse battery",
        "password2": "correct horse battery",
    }
    assert alice.post("/admin/crm/user/add/", data).status_code == 302
    assert User.objects.get(email__iexact="new@example.com").check_password("correct horse battery")


def test_an_smtp_channel_is_set_up_by_fields_and_its_password_is_never_shown(world, alice):
    url = f"/admin/crm/channel/{world.email.pk}/change/"
    data = {
        "name": "Mail",
        "medium": "email",
        "sender": "a@example.com",
        "is_active": "on",
        "hourly_limit": 10,
        "contact_daily_limit": 5,
        "known_customers": "card",
    }
    alice.post(url, data | {"transport": "smtp"})
    assert "Server" in alice.get(url).content.decode()
    wrong = alice.post(url, data | {"transport": "smtp", "own-port": "x"}).content.decode()
    assert "server: This field is required." in wrong
    own = {
        "own-host": "mail.example.com",
        "own-port": "587",
        "own-security": "starttls",
        "own-user": "u",
        "own-password": "hunter2",
    }
    assert alice.post(url, data | {"transport": "smtp"} | own).status_code == 302
    world.email.refresh_from_db()
    assert world.email.settings["host"] == "mail.example.com"
    assert "hunter2" not in alice.get(url).content.decode()
    assert "hunter2" not in str(world.email.settings)


@pytest.mark.django_db
def test_a_registry_refuses_nonsense():
    class Nameless(Action):
        key = "nameless"

    class Taken(Action):
        key, label = "send_sms", "again"

    for wrong, words in ((Nameless, "no label"), (Taken, "is taken"), (object, "does not inherit")):
        with pytest.raises(TypeError, match=words):
            actions.register(wrong)
    with actions.temporarily(
        type("Fine", (Action,), {"key": "fine_one", "label": "Fine", "run": lambda self, context: None})
    ):
        assert "fine_one" in actions
    assert "fine_one" not in actions
