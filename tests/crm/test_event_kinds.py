"""One catalogue of what may happen; jobs, waits and notices that ask one place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from automation.base import Action, Wait, actions
from automation.models import Run
from crm import slots
from crm.events import kinds as event_kinds
from crm.events.kinds import EventKind, kind_of, register
from crm.events.notice import Notice, notify
from crm.events.record import record
from crm.ground.ids import MOST, id_of
from crm.items.timeline import rows_for
from crm.models import Event, Job
from crm.work.queue import Kind, register_kind

pytestmark = pytest.mark.django_db
RECORDED = re.compile(r"""(?:record|record_many|\.tell)\(\s*"([a-z]+\.[a-z_]+)\"""")


def test_every_kind_that_our_code_records_is_in_the_catalogue():
    known = {kind.key for kind in event_kinds.kinds()}
    found = set()
    for folder in ("crm", "automation", "documents"):
        for path in (Path(settings.BASE_DIR) / folder).rglob("*.py"):
            found |= set(RECORDED.findall(path.read_text(encoding="utf-8")))
    assert len(found) > 25
    assert found <= known, found - known


def test_every_kind_has_a_label_and_an_icon_of_the_sprite():
    sprite = (Path(settings.BASE_DIR) / "static/vendor/icons.svg").read_text(encoding="utf-8")
    for kind in event_kinds.kinds():
        assert str(kind.label)
        assert f'id="{kind.icon}"' in sprite, kind.icon


def test_a_guests_event_is_told_by_its_label_and_an_unknown_one_by_a_sentence(world):
    deal = world.deal()
    known = record("guest.knocked", item=deal, payload={"times": 2})
    unknown = record("vanished.happened", item=deal)
    told = {row["event"].pk: row for row in rows_for([known, unknown], user=world.bob)}
    assert told[known.pk]["sentence"] == "Knocked 2×"
    assert told[unknown.pk]["sentence"] == "Told by an app that is not installed (vanished)"
    assert kind_of("guest.knocked").label == "Somebody knocked"


@pytest.mark.parametrize("key", ["comment.added", "nothing", "Guest.knocked", "guest."])
def test_a_kind_that_is_taken_or_misnamed_is_refused(key):
    with pytest.raises(TypeError):
        register(EventKind(key, "Other"))


def test_what_nobody_announced_is_concealed_with_its_customer(world):
    assert "email.received" not in event_kinds.naming_nobody()
    assert "stage.entered" in event_kinds.naming_nobody()
    assert "vanished.happened" not in event_kinds.naming_nobody()


@pytest.mark.parametrize(
    "key", ["message.settled", "webhook.received", "document.declined", "refusal.lifted", "sms.sent"]
)
def test_what_holds_an_address_or_words_of_the_customer_says_so(key):
    assert key not in event_kinds.naming_nobody()


def test_a_kind_that_says_nothing_of_it_hides():
    assert EventKind("guest.told", "Told").names_customer


# ---------------------------------------------------------------------- waits


def test_a_run_that_would_wait_for_an_event_which_nobody_announces_fails_at_once(world, drain):
    rule = world.rule("new", "misbehave", {"how": "wait for nobody"})
    deal = world.deal()
    drain()
    run = world.run_of(rule, deal)
    assert run.status == "failed"
    assert "guest.never" in str(run.error)
    assert not Run.objects.filter(status="waiting").exists()


def test_an_action_announces_what_it_waits_for(world, drain):
    rule = world.rule("new", "misbehave", {"how": "wait"})
    deal = world.deal()
    drain()
    assert world.run_of(rule, deal).status == "waiting"

    class Patient(Action):
        key = "patient"
        label = "Patient"
        awaits = ("guest.never",)

        def run(self, context):
            return Wait(on="event:guest.never")

    with actions.temporarily(Patient):
        assert actions.get("patient") is Patient


# ---------------------------------------------------------------------- jobs


def test_a_kind_of_job_hears_of_its_jobs_that_are_cancelled_and_revived(world):
    heard = []
    kind = Kind(
        "guest_job",
        lambda job: None,
        cancelled=lambda ids, reason: heard.append(("cancelled", ids, reason)),
        revived=lambda ids: heard.append(("revived", ids)),
    )
    register_kind(kind)
    first, other = Job.plan("guest_job", "guest:1"), Job.plan("forget_jobs", "guest:2")
    Job.cancel([first.pk, other.pk], "the stage was left")
    assert {job.status for job in Job.objects.filter(pk__in=[first.pk, other.pk])} == {"cancelled"}
    Job.revive([[first.pk, "running", first.due_at.isoformat()], [other.pk, "planned", None]])
    assert {job.status for job in Job.objects.filter(pk__in=[first.pk, other.pk])} == {"planned"}
    assert heard == [("cancelled", [first.pk], "the stage was left"), ("revived", [first.pk])]
    Job.revive([[first.pk, "planned", None]])  # it stands already: nobody hears of it
    assert len(heard) == 2


# ---------------------------------------------------------------------- notices


def test_every_word_to_colleagues_goes_through_one_slot(world):
    heard: list[Notice] = []
    with slots.notices.temporarily(heard.append):
        notify([world.bob, world.bob, world.alice], "The tray is empty.", kind="rule", group="tray")
    assert [(notice.people, notice.text) for notice in heard] == [((world.bob, world.alice), "The tray is empty.")]
    assert world.bob.notifications.count() == 1


# ---------------------------------------------------------------------- numbers


@given(st.integers(0, MOST))
def test_every_key_of_a_row_is_read(number):
    assert id_of(str(number)) == number


@pytest.mark.parametrize("text", ["", None, "-1", "²", "1.0", "٣", "9" * 20, str(MOST + 1), "1 ", "0x1", "me"])
def test_what_is_no_key_is_none(text):
    assert id_of(text) is None


def test_a_number_beyond_all_keys_finds_nothing_and_breaks_nothing(world, client):
    client.force_login(world.alice)
    world.deal()
    for query in (f"owner={MOST}", f"tag={MOST}", f"stage={MOST}"):
        assert client.get(f"/board/{world.pipeline.pk}/?{query}").status_code == 200
    assert client.get(f"/board/{world.pipeline.pk}/?owner={MOST + 1}").status_code == 400
    assert Event.objects.exists()
