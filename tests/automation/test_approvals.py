"""Approvals: asked on the day and by a signed link in a mail; all, one or so many; a deadline; nothing decided by scanners."""

import re
from datetime import timedelta

import pytest
from django.core import mail as mails

from automation.approvals import Approval, Vote
from automation.base import actions, bind
from automation.models import Run, scope_of
from crm.ground import clock
from crm.models import Item, Message
from crm.pipelines.rights import Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


def asked(world, drain, people, **settings):
    wanted = {
        "text": "Discount for {{ contact.name }}?",
        "to_users": [str(person.pk) for person in people],
        "mode": "all",
        "amount": "2",
        "unit": "days",
        "declined": "fail",
        "late": "fail",
    }
    world.rule("talk", "request_approval", wanted | settings, key="ask")
    world.rule("talk", settings={"text": "went on"}, after_previous="ended")
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    return deal, Run.objects.get(rule__key="ask")


def vote_of(person):
    return Vote.objects.get(user=person)


def link(person):
    """The path in this person's mail."""
    body = Message.objects.filter(to=person.email).latest("pk").text
    return re.search(r"https?://[^/]+(/approve/\S+/)", body)[1]


def say(client, person, answer, drain, **more):
    done = client.post(link(person), {"answer": answer, **more})
    drain()
    return done


def test_all_have_to_approve_and_the_chain_goes_on_with_what_they_said(world, drain, client):
    deal, run = asked(world, drain, [world.alice, world.bob])
    assert run.status == "waiting"
    say(client, world.alice, "yes", drain, comment="fine")
    run.refresh_from_db()
    assert run.status == "waiting"
    say(client, world.bob, "yes", drain)
    run.refresh_from_db()
    assert (run.status, run.outputs["approved"]) == ("done", True)
    assert run.outputs["by"] == "Alice Head, Bob Seller"
    assert run.outputs["comment"] == "fine"
    assert len(world.comments(deal)) == 1


@pytest.mark.parametrize(("mode", "number", "needed"), [("any", "", 1), ("number", "2", 2)])
def test_one_or_so_many_are_enough(world, drain, client, mode, number, needed):
    people = [world.alice, world.bob, world.charlie]
    _deal, run = asked(world, drain, people, mode=mode, number=number)
    for person in people[:needed]:
        run.refresh_from_db()
        assert run.status == "waiting"
        say(client, person, "yes", drain)
    run.refresh_from_db()
    assert run.status == "done"
    page = client.get(link(people[2])).content.decode()
    assert "not asked any more" in page


@pytest.mark.parametrize(
    ("declined", "status", "said"), [("fail", "failed", 0), ("skip", "skipped", 1), ("go_on", "done", 1)]
)
def test_it_is_declined_as_soon_as_enough_cannot_be_reached(world, drain, client, declined, status, said):
    deal, run = asked(world, drain, [world.alice, world.bob], declined=declined)
    say(client, world.alice, "no", drain, comment="too much")
    run.refresh_from_db()
    assert run.status == status
    assert len(world.comments(deal)) == said
    if status == "failed":
        assert "Alice Head" in run.error


def test_scanners_that_open_the_link_decide_nothing(world, drain, client):
    _deal, run = asked(world, drain, [world.alice])
    for method in (client.get, client.head):
        assert method(link(world.alice)).status_code == 200
    assert client.post(link(world.alice), {}).status_code == 422
    assert vote_of(world.alice).answer == ""
    assert client.get(link(world.alice)[:-3] + "xx/").status_code == 404
    run.refresh_from_db()
    assert run.status == "waiting"


def test_an_answer_counts_once(world, drain, client):
    asked(world, drain, [world.alice, world.bob])
    say(client, world.alice, "yes", drain)
    again = say(client, world.alice, "no", drain)
    assert again.status_code == 422
    assert vote_of(world.alice).answer == "yes"


@pytest.mark.parametrize(("late", "status"), [("fail", "failed"), ("skip", "skipped"), ("go_on", "done")])
def test_when_the_time_is_up_the_setting_decides(world, drain, client, late, status):
    _deal, run = asked(world, drain, [world.alice], late=late)
    with clock.at(clock.now() + timedelta(days=2)):
        drain()
        run.refresh_from_db()
        assert run.status == status
        assert not Approval.objects.get().is_open
        assert say(client, world.alice, "yes", drain).status_code == 422


def test_leaving_the_stage_asks_nobody_any_more(world, drain, client):
    deal, _run = asked(world, drain, [world.alice])
    world.move(deal, "pay")
    drain()
    client.force_login(world.alice)
    assert b"To be approved" not in client.get("/day/").content
    assert say(client, world.alice, "yes", drain).status_code == 422


def test_it_stands_on_the_day_of_who_is_asked_and_nobody_else_answers_for_them(world, drain, client):
    asked(world, drain, [world.alice])
    client.force_login(world.alice)
    assert b"To be approved" in client.get("/day/").content
    page = f"/approvals/{vote_of(world.alice).pk}/"
    assert client.get(page).status_code == 200
    client.force_login(world.bob)
    assert b"To be approved" not in client.get("/day/").content
    assert client.get(page).status_code == 404
    assert client.post(page, {"answer": "yes"}).status_code == 404


def test_fields_to_fill_are_asked_for_and_written_with_the_approvers_rights(world, drain, client):
    deal, run = asked(world, drain, [world.bob], fill=["probability"])
    assert say(client, world.bob, "yes", drain).status_code == 422
    assert say(client, world.bob, "yes", drain, probability="80").status_code == 302
    run.refresh_from_db()
    assert run.status == "done"
    assert Item.objects.get(pk=deal.pk).probability == 80


def test_who_may_not_change_the_card_fills_nothing_in(world, drain, client):
    world.role(world.charlie, view=Scope.ALL, edit=Scope.NONE)
    deal, _run = asked(world, drain, [world.charlie], fill=["probability"])
    refused = say(client, world.charlie, "yes", drain, probability="80")
    assert refused.status_code == 422
    assert vote_of(world.charlie).answer == ""
    assert Item.objects.get(pk=deal.pk).probability is None


def test_too_few_who_are_left_fail_in_words_and_nonsense_is_refused(world, drain):
    world.charlie.is_active = False
    world.charlie.save()
    _deal, run = asked(world, drain, [world.alice, world.bob], mode="number", number="3")
    assert (run.status, "3" in run.error) == ("failed", True)
    form = actions.get("request_approval").Settings
    errors = bind(form, {"text": "x", "mode": "number", "amount": "0"}, scope_of(world.stages["talk"])).errors
    assert {"amount", "number"} <= set(errors)
    sound = {"text": "x", "mode": "any", "amount": "1", "unit": "days", "declined": "fail", "late": "fail"}
    assert "to_roles" in bind(form, sound, scope_of(world.stages["talk"])).errors
    assert not mails.outbox


def test_whoever_decides_sees_what_about_and_the_card_names_who_is_asked(world, drain, client):
    deal, run = asked(world, drain, [world.bob], declined="skip")
    deal.change({"amount": 1200}, by=world.bob)
    page = client.get(link(world.bob)).content.decode()
    assert "1,200" in page
    assert "Talk" in page
    client.force_login(world.bob)
    inside = f"/approvals/{vote_of(world.bob).pk}/"
    assert f"/items/{deal.pk}/" in client.get(inside).content.decode()
    card = client.get(f"/items/{deal.pk}/").content.decode()
    assert inside in card
    assert "not answered yet" in card
    client.force_login(world.alice)
    assert inside not in client.get(f"/items/{deal.pk}/").content.decode()
    say(client, world.bob, "no", drain, comment="too much")
    run.refresh_from_db()
    assert (run.status, run.error) == ("skipped", "Declined by Bob Seller.")
    card = client.get(f"/items/{deal.pk}/").content.decode()
    assert "Did not run: Declined" not in card
    assert "too much" in card


def test_who_may_not_see_the_card_is_told_no_more_than_the_question(world, drain, client):
    deal, _run = asked(world, drain, [world.charlie])
    deal.change({"amount": 1200}, by=world.bob)
    page = client.get(link(world.charlie)).content.decode()
    assert "1,200" not in page
    assert f"/items/{deal.pk}/" not in page
