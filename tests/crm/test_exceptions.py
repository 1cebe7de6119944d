"""The list of exceptions: one question at every door; what comes is counted and never taken in."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from automation.models import Run
from crm.messages.mail.inbox import received_mail
from crm.messages.mail.reading import read
from crm.messages.receiving import received_sms
from crm.models import Contact, Event, Item, Message, Refusal, SenderException, Submission, User
from tests.crm.test_api import Caller
from tests.crm.test_forms import GOOD, form, send
from tests.crm.test_mail_in import mail

pytestmark = pytest.mark.django_db
__all__ = ["form"]


def counts():
    return list(SenderException.objects.order_by("pk").values_list("count", flat=True))


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("address", " SPAM@Ads.example ", "spam@ads.example"),
        ("domain", "@Ads.Example", "ads.example"),
        ("number", "601 234 567", "+48601234567"),
        ("pattern", "*@*.Ads.example", "*@*.ads.example"),
    ],
)
def test_an_entry_is_kept_in_one_spelling_and_once(world, kind, value, kept):
    first = SenderException.add(kind, value, reason="spam", by=world.alice)
    assert (first.value, SenderException.add(kind, kept).pk) == (kept, first.pk)


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("address", "no address", "valid"),
        ("domain", "com", "domain name"),
        ("number", "12", ""),
        ("pattern", "*@*", "at least 4"),
        ("pattern", "*a*b*c*d*e*", "at most"),
        ("pattern", "[a-z]*spam", "Only"),
        ("address", "BOB@example.com", "Bob Seller"),
        ("domain", "example.com", "one of ours"),
        ("pattern", "*@example.*", "one of ours"),
        ("nothing", "x", "no such kind"),
    ],
)
def test_nonsense_and_what_would_keep_out_a_colleague_is_refused_in_words(world, kind, value, why):
    with pytest.raises(ValidationError) as error:
        SenderException.add(kind, value)
    assert why in " ".join(error.value.messages)
    assert not SenderException.objects.exists()


def test_a_colleagues_number_is_refused(world):
    User.objects.filter(pk=world.bob.pk).update(phone="+48 601 234 567")
    with pytest.raises(ValidationError, match="Bob Seller"):
        SenderException.add("number", "601234567")


@given(local=st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), host=st.sampled_from(["ads.example", "a.ads.example"]))
def test_a_domain_keeps_out_every_address_below_it(local, host):
    entry = SenderException(kind="domain", value="ads.example")
    assert entry.matches(email=f"{local}@{host}")
    assert not entry.matches(
        email=f"{local}@x{host}".replace("xads", "bads").replace("xa.", "b.").replace("ads.", "adz.")
    )
    assert not entry.matches(email=f"{host}@{local}.example.org")


def test_mail_of_an_exception_is_counted_and_not_taken_in(world):
    SenderException.add("domain", "ads.example")
    for sender in ("Ads <buy@ads.example>", "x@mail.ADS.example"):
        assert received_mail(world.email, read(mail(sender=sender).as_bytes())) is None
    assert counts() == [2]
    assert not Message.objects.exists()
    assert not Event.objects.filter(kind="email.received").exists()
    assert received_mail(world.email, read(mail(sender="Jan <jan@good.example>").as_bytes())) is not None


def test_a_form_of_an_exception_is_thanked_and_nothing_of_it_is_kept(world, form, client, drain):
    SenderException.add("number", "601 234 567")
    assert send(client, **GOOD).status_code in (200, 302, 303)
    drain()
    submission = Submission.objects.get()
    assert (submission.status, submission.answers, submission.touch) == ("excepted", {}, {})
    assert not Item.objects.exists()
    assert not Contact.objects.filter(name="Jan Żuk").exists()
    assert counts() == [1]


def test_an_sms_of_an_exception_is_counted_and_its_stop_obeyed(world):
    SenderException.add("number", "+48601234567")
    assert received_sms(world.sms, "x1", "+48601234567", "Win!") is None
    assert received_sms(world.sms, "x2", "+48601234567", "STOP") is None
    assert counts() == [2]
    assert not Message.objects.exists()
    assert Refusal.objects.standing().filter(address="+48601234567").exists()


def test_a_call_of_an_exception_is_counted_and_ours_to_it_is_logged(world, client):
    world.contact.add_phone("+48601234567")
    world.deal()
    SenderException.add("number", "+48601234567")
    caller = Caller(client, world.alice)
    refused = caller.post("/calls", {"direction": "in", "number": "601234567", "answered": True})
    assert refused.status_code == 422
    assert "exceptions" in refused.data["error"]["fields"]["number"][0]
    assert caller.post("/calls", {"direction": "out", "number": "601234567", "answered": True}).status_code == 201
    assert counts() == [1]


# ---------------------------------------------------------------------- by a rule


def entered(world, drain, **settings):
    world.rule("talk", "add_to_exceptions", {"what": "both", "then": "lost", "reason": "spam"} | settings)
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    return Item.objects.get(pk=deal.pk), Run.objects.get(rule__action="add_to_exceptions")


def test_a_rule_puts_the_customer_on_the_list_and_closes_the_card(world, drain):
    deal, run = entered(world, drain)
    assert (run.status, run.outputs) == ("done", {"added": 2})
    assert set(SenderException.objects.values_list("kind", "value")) == {
        ("address", "hang@example.com"),
        ("number", "+84912345678"),
    }
    assert (deal.stage, deal.lost_note) == (world.stages["lost"], "spam")


@pytest.mark.parametrize(("what", "kinds"), [("address", {"address"}), ("number", {"number"})])
def test_a_rule_may_take_one_of_them_and_delete_the_card(world, drain, what, kinds):
    deal, _run = entered(world, drain, what=what, then="delete")
    assert set(SenderException.objects.values_list("kind", flat=True)) == kinds
    assert deal.deleted_at is not None


def test_a_customer_who_has_a_colleagues_address_stays_out_of_the_list_as_a_whole(world, drain):
    world.contact.add_email("bob@example.com")
    deal, run = entered(world, drain)
    assert run.status == "failed"
    assert "Bob Seller" in run.error
    assert not SenderException.objects.exists()
    assert deal.stage == world.stages["talk"]


def test_a_card_without_a_contact_is_skipped_with_its_reason(world, drain):
    world.rule("talk", "add_to_exceptions", {"what": "both", "then": "keep"})
    neighbour = world.rule("talk", "add_comment", {"text": "hello"})
    deal = world.deal(contact=None)
    world.move(deal, "talk")
    drain()
    assert Run.objects.get(rule__action="add_to_exceptions").status == "skipped"
    assert Run.objects.get(rule=neighbour).status == "done"


def test_a_rule_deletes_the_card_to_the_bin_and_ends_what_was_planned(world, drain):
    world.rule("talk", "delete_item", {})
    later = world.rule("talk", timing={"when": "delay", "amount": 1, "unit": "days"})
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    assert Item.objects.get(pk=deal.pk).deleted_at is not None
    assert Run.objects.get(rule__action="delete_item").status == "done"
    assert Run.objects.get(rule=later).status == "cancelled"


def test_a_rule_does_not_delete_what_its_publisher_may_not(world, drain):
    world.rule("talk", "delete_item", {}, publisher=world.charlie)
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    assert Item.objects.get(pk=deal.pk).deleted_at is None
    assert Run.objects.get().status == "failed"


def test_administrators_keep_the_list(world, client):
    client.force_login(world.alice)
    page = "/admin/crm/senderexception/"
    assert client.post(f"{page}add/", {"kind": "address", "value": "bob@example.com"}).status_code == 200
    assert client.post(f"{page}add/", {"kind": "address", "value": "X@Ads.example"}).status_code == 302
    entry = SenderException.objects.get()
    assert (entry.value, entry.added_by) == ("x@ads.example", world.alice)
    assert b"x@ads.example" in client.get(page).content


def test_it_is_reached_from_a_contact_and_a_message_and_reads_an_address_with_its_name(world, client):
    contact = Contact.objects.create(name="Spam Ltd")
    contact.add_email("ads@shop.example")
    client.force_login(world.alice)
    wanted = "/admin/crm/senderexception/add/?kind=address&amp;value=ads%40shop.example"
    assert wanted in client.get(f"/contacts/{contact.pk}/").content.decode()
    client.post("/admin/crm/senderexception/add/", {"kind": "address", "value": "Ads Of The Day <ADS@Shop.example>"})
    assert SenderException.objects.get().value == "ads@shop.example"
    client.force_login(world.bob)
    assert wanted not in client.get(f"/contacts/{contact.pk}/").content.decode()
