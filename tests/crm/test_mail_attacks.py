"""Mails that strangers send to do harm: they are read within limits, believed no further than they may be, and kept."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest

from crm.messages.mail import invitations
from crm.messages.mail.guarded import TooMuch, guarded
from crm.messages.mail.quotes import new_html
from crm.messages.mail.reading import read
from crm.models import Contact, Event, Item, Message, Notification, User
from tests.crm.test_mail_cases import case, strangers  # noqa: F401
from tests.crm.test_mail_in import box, look, mail  # noqa: F401

pytestmark = pytest.mark.django_db

EVIL_ZONE = """BEGIN:VTIMEZONE
TZID:Evil
BEGIN:STANDARD
DTSTART:19700101T000000
RRULE:FREQ=SECONDLY
TZOFFSETFROM:+0100
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700101T000000
RRULE:FREQ=SECONDLY
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
""".replace("\n", "\r\n").encode()


def invited(zone: bytes = b"", start: bytes = b"DTSTART:20261203T100000Z", **replaced: bytes) -> bytes:
    raw = case("ics.eml").replace(b"BEGIN:VEVENT", zone + b"BEGIN:VEVENT", 1)
    return raw.replace(b"DTSTART:20261203T100000Z", start)


def test_a_zone_of_each_second_keeps_nobody_busy_and_its_offset_counts():
    begun = time.monotonic()
    found = read(invited(EVIL_ZONE, b"DTSTART;TZID=Evil:20261203T100000")).invitation
    assert time.monotonic() - begun < 5
    assert found["start"] == "2026-12-03T09:00:00+00:00"


def test_what_a_stranger_calls_a_zone_is_forgotten_with_his_mail():
    name = b"W. Europe Standard Time"
    evil = EVIL_ZONE.replace(b"Evil", name).replace(b"+0100", b"-1100").replace(b"+0200", b"-1100")
    start = b"DTSTART;TZID=" + name + b":20261203T100000"
    read(invited(evil, start))
    assert read(invited(EVIL_ZONE.replace(b"Evil", name), start)).invitation["start"] == "2026-12-03T09:00:00+00:00"


def test_work_without_end_is_ended_and_what_it_raises_is_handed_over():
    with pytest.raises(TooMuch):
        guarded(_for_ever, seconds=1)
    with pytest.raises(ZeroDivisionError):
        guarded(_divide, 1, 0)
    assert guarded(_divide, 6, 3) == 2


def _for_ever():
    while True:
        pass


def _divide(one, other):
    return one / other


def test_a_winmail_that_counts_to_four_billion_holds_up_no_mail(world, imap, box, client, now):  # noqa: F811
    # ATTMAPIPROPS, 0xFFFFFFFF of them.
    props = b"\xff\xff\xff\xff" + b"\x03\x00\x17\x00\x01\x00\x00\x00"
    tnef = b"\x78\x9f\x3e\x22\x01\x00\x01" + b"\x03\x90\x06\x00" + len(props).to_bytes(4, "little") + props
    evil = mail(id="<evil@x>", subject="Evil")
    evil.add_attachment(tnef + b"\x00\x00", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    world.deal()
    imap.put(evil, mail(id="<good@x>", subject="Good"))
    _count, kept = look(box)
    assert [m.subject for m in kept] == ["Evil", "Good"]
    assert kept[0].item is not None, "a customer's, whatever else is in it"
    assert len(kept) == 2
    client.force_login(world.alice)
    raw = client.get(f"/outbox/{kept[0].pk}/raw/")
    assert b"winmail.dat" in b"".join(raw.streaming_content), "kept as it came, whatever became of it"


@pytest.mark.parametrize(
    "start", [b"DTSTART:99991231T235900Z", b"DTSTART:00010101T000000Z", b"DTSTART;VALUE=DATE:00010101"]
)
def test_a_time_that_no_zone_can_show_is_no_invitation(world, imap, box, client, start, now):  # noqa: F811
    world.contact.add_email("ivo@example.org")
    item = world.deal()
    imap.put(invited(start=start))
    look(box)
    assert not Event.objects.get(kind="email.received").data("invitation")
    for zone in ("Europe/Warsaw", "America/New_York"):
        User.objects.update(zone=zone)
        client.force_login(world.bob)
        assert client.get(f"/items/{item.pk}/").status_code == 200


def test_an_invitations_strange_fields_are_made_plain(world, imap, box, now):  # noqa: F811
    raw = case("ics.eml").replace(b"UID:k1@", b"UID:k\x001@").replace(b"mailto:ivo@example.org", b"mailto:a@x.y,b@x.y")
    imap.put(raw)
    look(box)
    kept = Event.objects.get(kind="email.received").data("invitation")
    assert (kept["uid"], kept["organizer"]) == ("k 1@example.org", "")
    mixed = read(case("ics.eml").replace(b"DTSTART:20261203T100000Z", b"DTSTART;VALUE=DATE:20261203")).invitation
    assert mixed["end"] == ""
    assert invitations.accepted(mixed, "shop@example.com", "Bob\nX:1")


def test_accepting_writes_to_who_wrote_and_to_no_address_that_the_invitation_names(world, imap, box, client, now):  # noqa: F811
    world.contact.add_email("ivo@example.org")
    world.deal()
    imap.put(case("ics.eml").replace(b"mailto:ivo@example.org", b"mailto:evil@attacker.example"))
    look(box)
    client.force_login(world.bob)
    client.post(f"/events/{Event.objects.get(kind='email.received').pk}/accept/")
    assert Message.objects.get(direction="out").to == "ivo@example.org"


@pytest.mark.parametrize("declared", ["us-ascii", "utf-8", "x-unknown"])
def test_a_wrongly_declared_charset_is_found_out_too(declared):
    raw = f"From: a@b.c\r\nContent-Type: text/plain; charset={declared}\r\n\r\n".encode() + "Zażółć gęślą jaźń".encode(
        "cp1250"
    )
    assert read(raw, languages=["pl"]).text == "Zażółć gęślą jaźń"


def test_large_mails_of_no_charset_are_read_at_once():
    begun = time.monotonic()
    read(b"From: a@b.c\r\nContent-Type: text/plain\r\n\r\n" + b"\x81 word " * 1_000_000)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("html", ["<p>Hi<![if !mso]>there<![endif]></p>", "<p>Hi<![x]></p>", "<p>Hi<!DOCTYPE [<"])
def test_sections_that_only_word_knows_are_read(html):
    assert "Hi" in read(f"From: a@b.c\r\nContent-Type: text/html\r\n\r\n{html}".encode()).text


def test_answers_below_and_between_quotations_are_kept():
    below = "On Monday, Shop wrote:<blockquote type=cite>old</blockquote><p>Yes, deliver at 5.</p>"
    assert new_html(below) == below
    assert new_html("<p>Yes.</p><blockquote type=cite><p>old<p>more</blockquote></div>") == "<p>Yes.</p>"


# ---------------------------------------------------------------------- who claims to be whom


def test_a_forged_colleague_is_nobody(world, imap, box, client, now):  # noqa: F811
    item = world.deal()
    forged = "mx.example.com; spf=fail smtp.mailfrom=evil.example; dmarc=fail"
    imap.put(
        mail("Bob <bob@example.com>", "Re: Offer", "50 % off!", Cc="jan@example.com", Authentication_Results=forged)
    )
    _count, (message,) = look(box)
    assert (message.item, message.author) == (None, None)
    assert "forged" in Event.objects.get(kind="email.received").data("note")
    assert item.pk


def test_a_colleague_writes_only_on_cards_that_he_could_change(world, imap, box, strangers, now):  # noqa: F811
    world.deal()
    imap.put(
        mail("Charlie <charlie@example.com>", "Re: Offer", "Hello", Cc="jan@example.com", id="<c1@x>"),
        mail(
            "Charlie <charlie@example.com>",
            "Fwd",
            "FYI\n\n-----Original Message-----\nFrom: Jan <jan@example.com>\nSent: Monday\nTo: Shop\n\nCancel it!",
            id="<c2@x>",
        ),
    )
    _count, kept = look(box)
    assert [m.item for m in kept] == [None, None]


def test_what_colleagues_write_to_each_other_makes_nobody_a_customer(world, imap, box, strangers, now):  # noqa: F811
    text = "FYI\n\n-----Original Message-----\nFrom: {}\nSent: Monday\nTo: Bob\n\nWords."
    imap.put(
        mail("Bob <bob@example.com>", "Fwd", text.format("Alice Head <alice@example.com>"), id="<f1@x>"),
        mail("Bob <bob@example.com>", "Fwd", text.format("Shop <a@example.com>"), id="<f2@x>"),
    )
    before = Contact.objects.count()
    look(box)
    assert Contact.objects.count() == before


def test_a_forward_in_a_thread_that_is_not_ours_is_passed_on_all_the_same(world, imap, box, strangers, now):  # noqa: F811
    raw = case("colleague-fwd.eml").replace(
        b"anna@example.com>\r\nTo: sales", b"bob@example.com>\r\nIn-Reply-To: <bea1@x>\r\nTo: sales"
    )
    imap.put(raw)
    _count, (message,) = look(box)
    assert message.contact.name == "Bea Farrow"


def test_a_program_that_names_a_program_is_no_customer(world, imap, box, strangers, now):  # noqa: F811
    imap.put(
        mail("Shop <no-reply@shop.example>", Reply_To="no-reply@shop.example", id="<p1@x>"),
        mail("Site <wordpress@shop.example>", Reply_To="Bea <bea@example.org>", List_Unsubscribe="<x>", id="<p2@x>"),
    )
    _count, kept = look(box)
    assert kept[0].item is None
    assert kept[1].item.contact.email() == "bea@example.org"
    assert Event.objects.filter(kind="email.received").latest("pk").data("through") == "wordpress@shop.example"


def test_a_customer_whose_mails_can_be_unsubscribed_from_is_heard(world, imap, box, drain, now):  # noqa: F811
    world.trigger("pay", "email_received", {"channel": ""})
    item = world.deal(stage="talk")
    imap.put(mail(List_Unsubscribe="<mailto:x@crm.example>"))
    look(box)
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["pay"]
    assert Notification.objects.filter(user=world.bob).exists()


def test_a_mail_on_a_card_of_nobody_reaches_an_administrator(world, imap, box, now):  # noqa: F811
    world.deal(owner=None)
    User.objects.filter(pk=world.bob.pk).update(is_active=False)
    world.contact.owner = world.bob
    world.contact.save()
    imap.put(mail())
    look(box)
    assert Notification.objects.get().user == world.alice


def test_a_stranger_in_a_thread_is_called_by_his_own_name(world, imap, box, now):  # noqa: F811
    item = world.deal()
    sent = Message.objects.create(channel=world.email, item=item, contact=world.contact, to="jan@example.com", text="x")
    imap.put(mail("New Bank <evil@attacker.example>", In_Reply_To=sent.public_address()))
    _count, (message,) = look(box)
    assert message.item == item
    assert Event.objects.get(kind="email.received").data("customer") == "New Bank"


def test_the_password_is_asked_before_a_long_form_is_taken_apart(client, world, settings):
    from crm.ground import vault

    world.email.transport = "delivery_service"
    world.email.settings = {"service": "postmark"}
    world.email.secret = vault.lock({"api_key": "k", "webhook_password": "0123456789abcdef"})
    world.email.save()
    body = b'--b\r\nContent-Disposition: form-data; name="' + b";" * 160_000 + b'"\r\n\r\nx\r\n--b--\r\n'
    begun = time.monotonic()
    answer = client.post(
        f"/mail/{world.email.pk}/inbound/",
        body,
        content_type="multipart/form-data; boundary=b",
        headers={"Authorization": "Basic " + b64encode(b"dealwright:wrong").decode()},
    )
    assert answer.status_code in (400, 403)
    assert time.monotonic() - begun < 25
