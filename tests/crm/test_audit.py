"""Every change of the configuration is kept: who, what, old and new; secrets are not, and nobody changes the log."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.urls import reverse

from automation.models import Rule
from crm.account.admin.audit import changes_of
from crm.models import Channel, Role, Stage, User


@pytest.fixture
def alice(world, client):
    client.force_login(world.alice)
    LogEntry.objects.all().delete()
    return client


def last() -> LogEntry:
    return LogEntry.objects.latest("pk")


def test_a_changed_switch_is_kept_with_its_person_old_and_new(world, alice):
    pk = world.pipeline.pk
    role = Role.objects.get()
    right = role.rights.get()
    data = {
        "name": role.name, "departments": [world.sales.pk], "rights-TOTAL_FORMS": 1, "rights-INITIAL_FORMS": 1,
        "rights-0-id": right.pk, "rights-0-role": role.pk, "rights-0-pipeline": pk,
        **{f"rights-0-may_{a}": 4 for a in ("view", "add", "edit", "delete", "export")},
        "rights-0-may_move": 1, "rights-0-may_configure": 0, "customers-TOTAL_FORMS": 0, "customers-INITIAL_FORMS": 0,
    }  # fmt: skip
    answer = alice.post(f"/admin/crm/role/{role.pk}/change/", data, REMOTE_ADDR="10.1.2.3")
    assert answer.status_code == 302, answer.content.decode()
    entry = LogEntry.objects.get(content_type__model="roleright")
    assert entry.actor == world.alice
    assert entry.remote_addr == "10.1.2.3"
    assert changes_of(entry) == [("move", "all", "own")]
    page = alice.get("/admin/auditlog/logentry/").content.decode()
    assert "all → own" in page
    assert "Alice Head" in page


def test_who_gets_a_role_is_kept_by_name(world, alice):
    Role.objects.get().people.add(world.charlie)
    assert ("people", "", "Charlie Stranger") in changes_of(last())


def test_a_rules_settings_are_kept(world, alice):
    rule = world.rule("new")
    rule.settings = {"text": "other words"}
    rule.save()
    assert any("other words" in new for _name, _old, new in changes_of(last()))
    Rule.objects.filter(pk=rule.pk).delete()


def test_a_secret_is_kept_as_dots_only(world, alice):
    channel = Channel.objects.get(medium="sms")
    channel.secret = "canary-secret-1234567890"
    channel.save()
    world.bob.set_password("canary-password-1")
    world.bob.save()
    for entry in LogEntry.objects.all():
        assert "canary" not in str(entry.changes)
        assert "md5$" not in str(entry.changes)
    assert LogEntry.objects.filter(content_type__model="user").exists()


def test_a_header_that_anybody_can_send_is_not_believed(world, alice):
    alice.post(
        "/account/", {"name": "Alice Renamed", "language": "en", "zone": "UTC"}, headers={"X-Forwarded-For": "1.2.3.4"}
    )
    assert last().remote_addr == "127.0.0.1"
    assert last().actor == world.alice


def test_nobody_changes_or_deletes_the_log(world, alice):
    Stage.objects.filter(pk=world.stages["new"].pk).first().save()
    world.pipeline.name = "Renamed"
    world.pipeline.save()
    entry = last()
    for url in (
        reverse("admin:auditlog_logentry_change", args=[entry.pk]),
        reverse("admin:auditlog_logentry_delete", args=[entry.pk]),
    ):
        assert alice.post(url, {"post": "yes", "object_repr": "x"}).status_code in (302, 403)
    alice.post(
        "/admin/auditlog/logentry/", {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    )
    entry.refresh_from_db()
    assert entry.object_repr == "Renamed"


def test_the_log_leaves_as_csv_without_formulas(world, alice):
    world.pipeline.name = "=1+1"
    world.pipeline.save()
    answer = alice.post("/admin/auditlog/logentry/", {"action": "as_csv", "_selected_action": [last().pk]})
    text = b"".join(answer.streaming_content).decode()
    assert "'=1+1" in text


def test_the_work_of_the_day_does_not_fill_the_log(world, alice, drain):
    item = world.deal()
    world.move(item, "talk")
    drain()
    User.objects.get(pk=world.bob.pk)
    assert not LogEntry.objects.exists()
