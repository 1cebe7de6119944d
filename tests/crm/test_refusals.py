"""Opt-out belongs to the address and the number; a contact that holds several people can be split."""

from __future__ import annotations

import importlib
from datetime import timedelta

import pytest
from django.apps import apps

from automation.models import Run
from crm.customers import merging
from crm.ground import clock
from crm.ground.addresses import one_spelling
from crm.messages import delivery, receiving, sending
from crm.messages.mail import inbox
from crm.messages.outgoing import Outgoing
from crm.models import Contact, Conversation, Event, Item, Job, Message, Refusal
from tests.crm.test_api import Caller
from tests.crm.test_imports import bob, bring  # noqa: F401

NUMBER = "+84912345678"
pytestmark = pytest.mark.django_db


def stop(world, text="STOP", sender=NUMBER, sid="SM1"):
    return receiving.received_sms(world.sms, sid, sender, text)


def text_rule(world):
    return world.rule("talk", "send_sms", {"text": "Your wardrobe is ready", "channel": world.sms.pk})


def last_run(world, item):
    return Run.objects.filter(item=item).latest("pk")


@pytest.mark.parametrize(
    "typed", ["KONTAKT@ŻÓŁW.example", "kontakt@xn--w-uga1v8h.example", " Kontakt@Xn--W-uga1v8h.EXAMPLE "]
)
def test_addresses_have_one_spelling(world, typed):
    assert one_spelling(typed) == "kontakt@żółw.example"
    world.contact.add_email("kontakt@żółw.example")
    assert Contact.objects.recognised(email=typed) == world.contact
    world.contact.add_email(typed)
    assert world.contact.emails.count() == 2


def test_stop_holds_for_everybody_with_the_number_and_is_skipped_in_words(world, drain, now):
    husband = Contact.objects.create(name="Trần Văn Nam")
    husband.add_phone(NUMBER)
    text_rule(world)
    stop(world)
    for contact in (world.contact, husband):
        item = world.deal(contact=contact)
        world.move(item, "talk")
        drain()
        run = last_run(world, item)
        assert (run.status, "STOP" in run.error) == ("skipped", True)
    world.contact.refresh_from_db()
    assert not world.contact.no_sms, "the tick is the person's own wish"


def test_another_number_of_the_same_person_is_not_refused(world):
    stop(world)
    world.contact.add_phone("+84912345679")
    sending.check_address(world.contact, "sms", "+84912345679")
    with pytest.raises(sending.CannotSend) as refused:
        sending.check_address(world.contact, "sms", NUMBER)
    assert refused.value.skip


def test_stop_of_an_unknown_number_counts_for_whoever_gets_it_later(world, bring):  # noqa: F811
    stop(world, sender="+48601234567")
    bring("name,phone\nAnn Lee,+48601234567\n")
    ann = Contact.objects.get(name="Ann Lee")
    with pytest.raises(sending.CannotSend):
        sending.check_address(ann, "sms", "+48601234567")
    ann.delete()
    bring("name,phone\nAnn Lee,+48601234567\n")
    assert Refusal.objects.of(Contact.objects.get(name="Ann Lee")).count() == 1


def test_a_refusal_outlives_a_merge(world):
    stop(world)
    other = Contact.objects.create(name="Hằng Nguyễn")
    kept = merging.merge(other, world.contact, {}, by=world.alice)
    with pytest.raises(sending.CannotSend):
        sending.check_address(kept, "sms", NUMBER)


def test_start_lifts_only_stop(world):
    stop(world)
    Refusal.keep("sms", NUMBER, Refusal.Reason.ASKED)
    stop(world, "Start", sid="SM2")
    assert [row.reason for row in Refusal.objects.of(world.contact)] == ["asked"]
    world.contact.no_sms = True
    world.contact.save()
    stop(world, "Start", sid="SM3")
    world.contact.refresh_from_db()
    assert world.contact.no_sms


def test_stop_that_comes_while_a_message_waits_holds_it_back(world, drain, now):
    item = world.deal()
    message = sending.queue_message(Outgoing(channel=world.sms, to=NUMBER, text="Hi", contact=world.contact, item=item))
    stop(world)
    drain()
    message.refresh_from_db()
    assert (message.status, "STOP" in message.error) == ("skipped", True)


def test_a_deleted_customer_is_not_written_to_either(world, drain, now):
    sending.queue_message(Outgoing(channel=world.sms, to=NUMBER, text="Hi", contact=world.contact, item=world.deal()))
    world.contact.delete()
    drain()
    assert not Message.objects.filter(status="sent").exists()
    assert not Job.objects.filter(kind="send_message").exclude(status="skipped").exists()


def test_notices_to_colleagues_are_not_stopped(world, drain, now):
    Refusal.keep("email", world.bob.email, Refusal.Reason.UNSUBSCRIBED)
    sending.mail_colleague(world.bob, "A new password", "…")
    drain()
    assert Message.objects.get(to=world.bob.email).status == "sent"


def test_bounce_complaint_and_unsubscribing_name_the_message_and_hold_without_a_contact(world, client, now):
    for number, told in enumerate((lambda m: inbox.bounced(m, "550 gone"), inbox.complained)):
        message = sending.queue_message(
            Outgoing(channel=world.email, to=f"x{number}@Example.com", text="Hi", subject="s")
        )
        told(message)
        assert Refusal.objects.against("email", f"X{number}@example.com").message == message
    by_hand = sending.queue_message(Outgoing(channel=world.email, to="x3@example.com", text="Hi", subject="s"))
    assert client.post(f"/m/{by_hand.public_id}/unsubscribe/").status_code == 404, "it carries no such link"
    message = sending.queue_message(
        Outgoing(channel=world.email, to="x3@example.com", text="Hi", subject="s", origin="rule:1")
    )
    assert client.post(f"/m/{message.public_id}/unsubscribe/").status_code == 200
    assert Refusal.objects.against("email", "x3@example.com").reason == "unsubscribed"
    delivery.reported(message, "delivered", "", "")


def test_the_api_and_the_composer_say_why(world, client):
    item = world.deal()
    stop(world)
    answer = Caller(client, world.bob).post("/messages", {"item": item.pk, "medium": "sms", "text": "Hi"})
    assert (answer.status_code, answer.data["error"]["code"]) == (422, "cannot_send")
    assert "STOP" in answer.data["error"]["message"]
    client.force_login(world.bob)
    page = client.get(f"/items/{item.pk}/write/sms/").content.decode()
    assert "answered STOP" in page
    assert "has no mobile number" not in page


def test_a_person_lifts_it_with_a_reason_that_is_kept(world, client):
    stop(world)
    refusal = Refusal.objects.get()
    client.force_login(world.bob)
    address = f"/contacts/{world.contact.pk}/lift/{refusal.pk}/"
    client.post(address, {"why": "  "})
    assert Refusal.objects.standing().exists()
    assert "answered STOP" in client.get(f"/contacts/{world.contact.pk}/").content.decode()
    client.post(address, {"why": "She asked for it on the phone"})
    refusal.refresh_from_db()
    assert (refusal.lifted_by, refusal.lifted_why) == (world.bob, "She asked for it on the phone")
    event = Event.objects.get(kind="refusal.lifted")
    assert (event.actor, event.contact, event.data("why")) == (world.bob, world.contact, refusal.lifted_why)
    sending.check_address(world.contact, "sms", NUMBER)
    stop(world, sid="SM9")
    assert Refusal.objects.standing().count() == 1, "a new STOP counts anew"


def test_administrators_add_and_lift_refusals_by_hand(world, client):
    client.force_login(world.alice)
    client.post("/admin/crm/refusal/add/", {"medium": "email", "address": "Jan@EXAMPLE.com"})
    row = Refusal.objects.get()
    assert (row.address, row.reason) == ("jan@example.com", "asked")
    assert client.get(f"/admin/crm/refusal/{row.pk}/change/").status_code == 200
    client.post(f"/admin/crm/refusal/{row.pk}/change/", {"lifted_why": "A mistake"})
    row.refresh_from_db()
    assert (row.lifted_by, row.lifted_why) == (world.alice, "A mistake")


def test_the_upgrade_makes_refusals_of_what_the_events_tell(world, now):
    forward = importlib.import_module("crm.migrations.0019_opt_outs_become_refusals")
    other = Contact.objects.create(name="Ann", no_sms=True, no_email=True)
    other.add_phone("+48601234567")
    other.add_email("ann@example.org")
    ticked = Contact.objects.create(name="Ticked by hand", no_sms=True)
    ticked.add_phone("+48601234568")
    said = [("+48601234567", "stop", other), (NUMBER, "stop", world.contact), ("+48601234560", "stop", None)]
    said += [("+48601234561", "stop", None), ("+48601234561", "start", None)]
    for number, wish, contact in said:
        Event.objects.create(kind="sms.received", contact=contact, payload={"from": number, "wish": wish})
    message = Message.objects.create(channel=world.email, to="Ann2@example.org", contact=other, text="x")
    Event.objects.create(kind="email.unsubscribed", contact=other, payload={"message": message.pk})
    Event.objects.create(kind="email.complained", contact=other, payload={"message": 0})
    forward._stops(Event.objects, Refusal.objects)
    forward._mails(apps, Refusal.objects)
    forward._stops(Event.objects, Refusal.objects)  # safe to repeat
    found = {(row.medium, row.address, row.reason) for row in Refusal.objects.all()}
    assert found == {
        ("sms", "+48601234567", "stop"),
        ("sms", "+48601234560", "stop"),
        ("email", "ann2@example.org", "unsubscribed"),
        ("email", "ann@example.org", "complained"),
    }
    Contact.objects.filter(pk=world.contact.pk).update(no_sms=True)
    assert not Refusal.objects.of(ticked), "a tick made by hand stays a tick"


# ---------------------------------------------------------------------- several with one number


def test_who_else_has_the_number_is_said_to_who_may_see_them(world, client, now):
    husband = Contact.objects.create(name="Trần Văn Nam")
    husband.add_phone(NUMBER)
    item = world.deal()
    stop(world, "When do you come?")
    client.force_login(world.bob)
    assert "Also the number of Trần Văn Nam" in client.get(f"/items/{item.pk}/").content.decode()


def test_a_new_address_is_marked_until_somebody_looks(world, client):
    world.contact.add_email("mallory@example.net", is_new=True)
    client.force_login(world.bob)
    page = client.get(f"/contacts/{world.contact.pk}/").content.decode()
    assert "It came with other words of this person" in page
    assert world.contact.email() == "hang@example.com", "rules keep to the address that was known"
    row = world.contact.emails.get(address="mallory@example.net")
    client.post(f"/contacts/{world.contact.pk}/address/", {"address": row.address})
    assert not world.contact.emails.filter(is_new=True).exists()


def test_deals_that_are_imported_give_their_customer_the_new_address_and_taking_back_takes_it(world, bring, bob, drain):  # noqa: F811
    rows = "title,contact,e-mail,phone\nWardrobe,Nguyễn Thị Hằng,hang2@example.com,+84 912 345 678\n"
    work = bring(rows, f"items:{world.pipeline.pk}")
    row = world.contact.emails.get(address="hang2@example.com")
    assert row.is_new
    bob.post(f"/import/{work.pk}/step/", {"step": "revert"})
    drain()
    assert not world.contact.emails.filter(address="hang2@example.com").exists()


def test_two_people_in_one_contact_are_split(world, client, now):
    ann = world.contact
    ann.add_email("bea@example.org")
    mine, hers, foreign = world.deal("Mine"), world.deal("Hers"), world.deal("Else", contact=None)
    for to, item in (("hang@example.com", mine), ("bea@example.org", hers), ("bea@example.org", mine)):
        sending.queue_message(Outgoing(channel=world.email, to=to, text="x", subject="s", contact=ann, item=item))
    old = Conversation.objects.get(contact=ann)
    client.force_login(world.bob)
    page = client.get(f"/contacts/{ann.pk}/split/").content.decode()
    assert "bea@example.org" in page
    nothing = client.post(f"/contacts/{ann.pk}/split/", {"name": "Bea", f"phone.{NUMBER}": "stays"})
    assert nothing.status_code == 422
    answer = client.post(
        f"/contacts/{ann.pk}/split/",
        {"name": "Bea", "emails": ["bea@example.org"], f"phone.{NUMBER}": "both", "items": [hers.pk], "talk": "on"},
    )
    bea = Contact.objects.get(name="Bea")
    assert answer.headers["Location"] == f"/contacts/{bea.pk}/"
    assert [row.address for row in bea.emails.all()] == ["bea@example.org"]
    assert [row.address for row in ann.emails.all()] == ["hang@example.com"]
    assert [c.phones.count() for c in (ann, bea)] == [1, 1]
    assert Item.objects.get(pk=hers.pk).contact == bea
    assert Item.objects.get(pk=mine.pk).contact == ann
    assert Item.objects.get(pk=foreign.pk).contact is None
    assert Message.objects.filter(contact=bea, to="bea@example.org").count() == 2
    assert Message.objects.get(contact=ann).to == "hang@example.com"
    assert set(Message.objects.filter(contact=ann).values_list("conversation", flat=True)) == {old.pk}
    assert Message.objects.filter(conversation__contact=bea).count() == 2
    assert Event.objects.filter(kind="contact.split").count() == 2
    assert Event.objects.filter(kind="field.changed", item=hers).exists()


def test_a_card_that_the_person_may_not_change_is_not_split_off(world, client):
    from crm.pipelines.rights import Scope

    world.role(world.charlie, view=Scope.ALL, edit=Scope.NONE)
    item = world.deal()
    client.force_login(world.charlie)
    answer = client.post(
        f"/contacts/{world.contact.pk}/split/", {"name": "X", f"phone.{NUMBER}": "stays", "items": [item.pk]}
    )
    assert answer.status_code in (404, 422)
    assert Item.objects.get(pk=item.pk).contact == world.contact


def test_messages_chosen_one_by_one_go_over_with_their_events(world, now):
    from crm.customers.splitting import Share, split

    item = world.deal()
    stop(world, "Hi", sid="SM1")
    with clock.at(now + timedelta(minutes=1)):
        stop(world, "It is Nam here", sid="SM2")
    second = Message.objects.get(text="It is Nam here")
    made = split(world.contact, Share("Nam", messages=frozenset([second.pk]), shared=frozenset([NUMBER])), by=world.bob)
    assert list(Message.objects.filter(contact=made)) == [second]
    assert Conversation.objects.get(contact=made).messages.get() == second
    assert item.contact_id == world.contact.pk


def test_a_number_that_nobody_has_confirmed_is_confirmed_by_no_split(world, now):
    from crm.customers.splitting import Share, split

    world.contact.add_phone("+48601234567", is_new=True)
    made = split(world.contact, Share("Nam", shared=frozenset(["+48601234567"])), by=world.bob)
    assert made.phones.get().is_new
    assert made.phone() == ""
