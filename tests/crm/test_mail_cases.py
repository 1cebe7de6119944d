"""Mails of real life, as they come over IMAP: what they say is shown, whose they are is right, nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from crm.ground import clock
from crm.messages.mail import imap as looking
from crm.messages.mail.charsets import decoded, guessed
from crm.messages.mail.quotes import passed_on, without_quotes
from crm.messages.mail.reading import read
from crm.models import (
    Attachment,
    Channel,
    Contact,
    Event,
    Item,
    ItemType,
    Mailbox,
    Message,
    Notification,
    Pipeline,
    Stage,
    Task,
)
from tests.crm.test_mail_in import PDF, box, look, mail  # noqa: F401

CASES = Path(__file__).parent.parent / "cases" / "mails"
WARDROBE = "Zażółć gęślą jaźń – proszę o wycenę szafy."
db = pytest.mark.django_db


def case(name):
    return (CASES / name).read_bytes()


@pytest.fixture
def strangers(world):
    """Mails of strangers become cards."""
    world.email.strangers = world.pipeline
    world.email.save()


# ---------------------------------------------------------------------- letters


@pytest.mark.parametrize("name", ["cp1250-nocharset.eml", "html1250meta.eml"])
def test_letters_of_no_declared_charset_are_found_out(name):
    found = read(case(name), languages=["pl"])
    assert found.text == found.whole == WARDROBE
    if name.startswith("cp"):
        assert found.subject == "Wycena szafy żółtej"


@pytest.mark.parametrize(
    ("text", "charset", "languages"),
    [
        ("Proszę o wycenę łóżka i śruby", "iso8859_2", ["pl"]),
        ("Proszę o wycenę łóżka i śruby – dziś", "cp1250", ["fr", "pl"]),
        ("Été à la plage, s’il vous plaît", "cp1252", ["fr"]),
        ("Größe der Tür", "cp1252", ["pl", "fr"]),
        ("Żółw", "utf-8", ["vi"]),
    ],
)
def test_the_guess_is_narrowed_to_the_languages_of_the_house(text, charset, languages):
    raw = text.encode(charset)
    assert decoded(raw, guess=guessed([raw], languages)) == text


def test_vietnamese_of_old_programs_is_read_with_its_tones():
    raw = b"\xd0\xf5n h\xe0ng c\xfea t\xf4i"  # Windows-1258
    assert decoded(raw, guess=guessed([raw], ["vi"])).startswith("Đ")


def test_a_declared_charset_counts_and_japanese_is_known_by_its_escapes():
    assert decoded("Żółw".encode("iso8859_2"), "iso-8859-2") == "Żółw"
    assert decoded("見積もり".encode("iso2022_jp")) == "見積もり"
    assert decoded("“quoted” – €".encode("cp1252"), "iso-8859-1") == "“quoted” – €"
    assert decoded(b"caf\xe9", "us-ascii") == "café"
    assert decoded("Żółw".encode(), "iso-8859-99") == "Żółw"


@given(
    st.binary(max_size=300), st.sampled_from(["", "utf-8", "us-ascii", "rot13", "idna", "utf-7", "base64", "cp1258"])
)
def test_whatever_bytes_come_something_is_read(raw, declared):
    assert isinstance(decoded(raw, declared, html=True), str)


def test_words_of_a_header_that_are_cut_within_a_letter_are_put_together():
    raw = (
        b"From: =?utf-8?b?xbvDs8WC?= =?utf-8?b?dywgSm9l?= <joe@example.org>\r\n"
        b"Subject: =?utf-8?b?xbvDs8WCd8U=?= =?utf-8?b?vA==?=\r\n\r\nx"
    )
    found = read(raw)
    assert (found.name, found.sender, found.subject) == ("Żółw, Joe", "joe@example.org", "Żółwż")


# ---------------------------------------------------------------------- parts and files


@db
def test_the_file_within_winmail_dat_is_kept(world, imap, box, now):  # noqa: F811
    imap.put(case("tnef.eml"))
    look(box)
    file = Attachment.objects.get()
    assert (file.name, file.kind) == ("measurements.pdf", "application/pdf")


@db
def test_a_file_name_of_bare_bytes_is_read(world, imap, box, now):  # noqa: F811
    imap.put(case("ctword.eml"))
    _count, (message,) = look(box)
    assert Attachment.objects.get().name == "été.pdf"
    assert message.text == "hello from mat"


@db
def test_a_mail_within_a_mail_is_kept_as_a_file_and_pieces_stand_apart(world, imap, box, client, now):  # noqa: F811
    inner = mail("Else <else@example.net>", "Inner words", "Do not read this as the customer's.")
    outer = mail(text="The first piece.")
    outer.add_attachment(inner)
    outer.add_attachment("The second piece.", disposition="inline")
    imap.put(outer)
    _count, (message,) = look(box)
    assert message.text == "The first piece.\n\nThe second piece."
    file = Attachment.objects.get()
    assert (file.name, file.kind) == ("Inner words.eml", "message/rfc822")
    with file.file.open("rb") as content:
        assert b"Do not read this" in content.read()
    client.force_login(world.alice)
    raw = client.get(f"/outbox/{message.pk}/raw/")
    assert b"The second piece." in b"".join(raw.streaming_content)
    client.force_login(world.charlie)
    assert client.get(f"/outbox/{message.pk}/raw/").status_code == 404


# ---------------------------------------------------------------------- the same mail


@db
def test_two_mails_with_one_id_are_two(world, imap, box, now):  # noqa: F811
    imap.put(case("same1.eml"), case("same2.eml"))
    _count, kept = look(box)
    assert [message.subject for message in kept] == ["Parcel 1 delayed", "Parcel 2 lost"]
    imap.put(case("same2.eml"))
    assert len(look(box)[1]) == 2


@pytest.fixture
def office(world, box):  # noqa: F811
    """A second mailbox of the same account, as if another."""
    channel = Channel.objects.create(name="Office", medium="email", transport="outbox", sender="office@example.com")
    Channel.objects.filter(pk=world.email.pk).update(sender="shop@example.com")
    return Mailbox.objects.create(
        name="Office",
        channel=channel,
        host=box.host,
        port=box.port,
        security="none",
        user=box.user,
        secret=box.secret,
        validity=box.validity,
        last_uid=box.last_uid,
    )


@db
def test_one_mail_in_two_mailboxes_is_one_message_one_event_one_bell(world, imap, box, office, drain, client, now):  # noqa: F811
    world.trigger("talk", "email_received", {"channel": ""})
    world.trigger("papers", "email_received", {"channel": office.channel.pk})
    item = world.deal()
    sent = mail(Cc="office@example.com", Date="Wed, 18 Nov 2026 08:00:00 +0000")
    imap.put(sent)
    box.refresh_from_db()
    looking.look_into(Mailbox.objects.get(pk=box.pk))
    office.last_uid, office.validity = box.last_uid, Mailbox.objects.get(pk=box.pk).validity
    office.save()
    looking.look_into(office)
    drain()
    assert Message.objects.filter(direction="in").count() == 1
    event = Event.objects.get(kind="email.received")
    assert event.data("channels") == [world.email.pk, office.channel.pk]
    assert Notification.objects.filter(user=world.bob, kind="message").count() == 1
    assert Item.objects.get(pk=item.pk).stage in (world.stages["talk"], world.stages["papers"])
    client.force_login(world.bob)
    assert "Came to Mail, Office" in client.get(f"/items/{item.pk}/").content.decode()


@db
def test_a_channel_that_the_mail_did_not_name_is_added_when_it_brings_it(world, imap, box, office, now):  # noqa: F811
    world.deal()
    imap.put(mail())
    look(box)
    looking.look_into(office)
    assert Event.objects.get(kind="email.received").data("channels") == [world.email.pk, office.channel.pk]


# ---------------------------------------------------------------------- new words


@pytest.mark.parametrize(
    ("name", "new", "quoted"),
    [("gmail-html.eml", "Yes, I take it.", "STOP"), ("outlook-de.eml", "Einverstanden.", "unser Angebot|our offer")],
)
def test_what_is_answered_is_no_new_word_and_is_not_lost(name, new, quoted):
    found = read(case(name))
    assert found.text == new
    assert any(word in found.whole for word in quoted.split("|"))


@pytest.mark.parametrize(
    "html",
    [
        '<p>Agreed.</p><div class="moz-cite-prefix">On 1.1. Shop wrote:</div><blockquote type="cite">old</blockquote>',
        "<div>Agreed.</div><div><br><blockquote type='cite'><div>On Monday, Shop wrote:</div>old</blockquote></div>",
        '<div>Agreed.</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Shop</div>old',
        '<div>Agreed.</div><div class="yahoo_quoted"><div>old</div></div>',
        "<div>Agreed.</div><p>Van: Shop &lt;a@b.c&gt;<br>Verzonden: maandag<br>Aan: Jan<br>Onderwerp: x</p>old",
    ],
)
def test_programs_mark_what_they_quote_in_html(html):
    raw = f"From: jan@example.com\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}".encode()
    found = read(raw)
    assert found.text == "Agreed."
    assert "old" in found.whole


def test_an_answer_below_the_quotation_is_kept_whole():
    html = '<blockquote type="cite">old</blockquote><p>New, below.</p>'
    found = read(f"From: a@b.c\r\nContent-Type: text/html\r\n\r\n{html}".encode())
    assert "New, below." in found.text


@given(st.text(alphabet="<>/abc=\"' \nVon:Gesendet@.-", max_size=400))
def test_strange_texts_are_read_without_an_error(text):
    assert isinstance(without_quotes(text), str)
    passed_on(text)
    read(f"From: a@b.c\r\nContent-Type: text/html\r\n\r\n{text}".encode())


# ---------------------------------------------------------------------- whose it is


@db
def test_forms_of_a_web_site_write_for_two_customers(world, imap, box, strangers, now):  # noqa: F811
    imap.put(case("webform1.eml"), case("webform2.eml"))
    _count, kept = look(box)
    assert {(m.contact.name, m.contact.email()) for m in kept} == {
        ("Rhea Web", "rhea@example.org"),
        ("Silas Web", "silas@example.org"),
    }
    assert len({m.item_id for m in kept}) == 2


@db
def test_reply_to_of_people_is_a_wish_and_of_listed_programs_the_customer(world, imap, box, strangers, now):  # noqa: F811
    world.email.robots = "@forms.example\nleads@portal.example"
    world.email.save()
    imap.put(
        mail("Ann <ann@example.org>", Reply_To="Assistant <assistant@example.org>", id="<r1@x>"),
        mail("Portal <leads@portal.example>", Reply_To="Bea <bea@example.org>", id="<r2@x>"),
        mail("Any <any@forms.example>", Reply_To="Cas <cas@example.org>", id="<r3@x>"),
        mail("Shop <no-reply@shop.example>", id="<r4@x>"),
    )
    _count, kept = look(box)
    assert [m.to for m in kept] == ["ann@example.org", "bea@example.org", "cas@example.org", "no-reply@shop.example"]
    assert kept[3].item is None


@db
def test_a_colleague_passes_a_question_on(world, imap, box, strangers, drain, client, now):  # noqa: F811
    world.bob.email, world.bob.name = "anna@example.com", "Anna Whitfield"
    world.bob.save()
    world.rule("new", "create_task", {"title": "Call {{ contact.name }}", "kind": "call"})
    imap.put(case("colleague-fwd.eml"))
    _count, (message,) = look(box)
    drain()
    assert (message.contact.name, message.contact.email()) == ("Bea Farrow", "bea.farrow@example.org")
    assert message.item.title == "Question about a bed"
    assert not Contact.objects.filter(emails__address="anna@example.com").exists()
    event = Event.objects.get(kind="email.received")
    assert event.data("text") == "How much is a bed 160 x 200?"
    assert not Task.objects.filter(title__contains="Anna").exists()
    client.force_login(world.alice)
    page = client.get(f"/items/{message.item_id}/").content.decode()
    assert "E-mail from Bea Farrow, forwarded by Anna Whitfield" in page
    assert "Please put this in the CRM." in page
    assert "How much is a bed 160 x 200?" in page


@db
def test_a_colleague_passes_a_mail_on_as_a_file(world, imap, box, strangers, now):  # noqa: F811
    outer = mail("Bob <bob@example.com>", "Fwd", "Please look.")
    outer.add_attachment(mail("Bea <bea@example.org>", "A bed", "How much?"))
    imap.put(outer)
    _count, (message,) = look(box)
    assert (message.contact.name, message.item.title) == ("Bea", "A bed")
    assert Event.objects.get(kind="email.received").data("text") == "How much?"


@db
def test_a_colleagues_answer_is_the_colleagues_and_moves_nothing(world, imap, box, drain, client, now):  # noqa: F811
    world.trigger("pay", "email_received", {"channel": ""})
    item = world.deal(stage="talk", owner=world.alice)
    imap.put(mail(id="<q1@theirs.example>"))
    look(box)
    Notification.objects.all().delete()
    world.move(item, "talk") if Item.objects.get(pk=item.pk).stage != world.stages["talk"] else None
    imap.put(mail("Bob <bob@example.com>", "Re: Pytanie", "We deliver on Monday.", In_Reply_To="<q1@theirs.example>"))
    look(box)
    answer = Message.objects.latest("pk")
    assert (answer.item, answer.author) == (item, world.bob)
    event = Event.objects.filter(kind="email.received").latest("pk")
    assert (event.actor, event.data("colleague")) == (world.bob, "Bob Seller")
    client.force_login(world.alice)
    assert "E-mail from Bob Seller, a colleague" in client.get(f"/items/{item.pk}/").content.decode()
    assert not Contact.objects.filter(emails__address="bob@example.com").exists()


@db
def test_a_colleagues_mail_is_no_trigger(world, imap, box, drain, now):  # noqa: F811
    world.trigger("pay", "email_received", {"channel": ""})
    item = world.deal(stage="talk")
    imap.put(mail("Bob <bob@example.com>", "Offer", "Dear Jan, …", Cc="jan@example.com"))
    _count, (message,) = look(box)
    drain()
    assert message.item == item, "a copy of what a colleague writes to a customer comes to the card"
    assert Item.objects.get(pk=item.pk).stage == world.stages["talk"]


@db
def test_one_person_writes_from_both_spellings_of_an_address(world, imap, box, strangers, now):  # noqa: F811
    other = case("idn.eml").replace(b"xn--w-uga1v8h.example", "żółw.example".encode()).replace(b"<i1@", b"<i2@")
    imap.put(case("idn.eml"), other)
    _count, kept = look(box)
    assert {m.contact.email() for m in kept} == {"kontakt@żółw.example"}
    assert Contact.objects.filter(emails__address="kontakt@żółw.example").count() == 1


@db
def test_without_from_the_sender_counts_and_with_neither_somebody_is_told(world, imap, box, strangers, now):  # noqa: F811
    nobody = case("nofrom.eml").replace(b"Sender: Sam Sender <sam@example.org>\r\n", b"").replace(b"<nf@", b"<nf2@")
    imap.put(case("nofrom.eml"), nobody)
    _count, kept = look(box)
    assert (kept[0].to, kept[0].contact.name) == ("sam@example.org", "Sam Sender")
    assert (kept[1].to, kept[1].contact, kept[1].text) == ("", None, "No from line, only sender.")
    assert Notification.objects.filter(user=world.alice, text__contains="belongs to no card").count() == 1


# ---------------------------------------------------------------------- which card


def win(world, item):
    world.move(item, "won")
    return Item.objects.get(pk=item.pk)


@db
@pytest.mark.parametrize("known", ["card", "bell"])
def test_a_customer_whose_deal_is_won_gets_a_new_card_or_rings_a_bell(world, imap, box, strangers, known, now):  # noqa: F811
    world.email.known_customers = known
    world.email.save()
    world.contact.owner = world.bob
    world.contact.save()
    win(world, world.deal())
    imap.put(mail())
    _count, (message,) = look(box)
    assert message.contact == world.contact
    assert (message.item is not None) is (known == "card")
    if known == "card":
        assert message.item.contact == world.contact
    else:
        assert "belongs to no card" in Notification.objects.get(user=world.bob).text


@db
def test_without_a_pipeline_for_strangers_a_customers_mail_still_reaches_somebody(world, imap, box, now):  # noqa: F811
    imap.put(mail(), mail("New <new@example.org>", id="<n@x>"))
    look(box)
    assert Notification.objects.filter(user=world.alice, text__contains="belongs to no card").count() == 2


@db
def test_a_mail_without_thread_comes_to_the_deal_not_to_its_invoice(world, imap, box, now):  # noqa: F811
    invoices = ItemType.objects.create(key="invoice", name="Invoice", plural="Invoices")
    paying = Pipeline.objects.create(item_type=invoices, name="Invoices", currency="PLN")
    Stage.objects.create(pipeline=paying, name="Sent", kind="open", order=0)
    deal = world.deal()
    with clock.at(now + timedelta(hours=1)):
        invoice = Item.create(paying, "Invoice 1", by=world.alice, contact=world.contact)
        Message.objects.create(
            channel=world.email, item=invoice, contact=world.contact, to="jan@example.com", text="Pay", status="sent"
        )
    imap.put(mail())
    assert look(box)[1][-1].item == deal
    win(world, deal)
    imap.put(mail(id="<second@x>"))
    assert look(box)[1][-1].item.pk == invoice.pk


@db
def test_lists_and_programs_make_no_card_and_a_click_does(world, imap, box, strangers, client, now):  # noqa: F811
    plain = mail("News <news@list.example>", "Our news", "Buy!", List_Unsubscribe="<mailto:x@list.example>")
    imap.put(plain, mail("Shop <no-reply@shop.example>", "Parcel", "It is here.", id="<p@x>"))
    _count, kept = look(box)
    assert [m.item for m in kept] == [None, None]
    assert not Contact.objects.filter(name="News").exists()
    assert not Notification.objects.exists()
    client.force_login(world.alice)
    page = client.get("/outbox/?loose=1").content.decode()
    assert "Our news" in page
    assert "Make a card" in client.get(f"/outbox/{kept[0].pk}/").content.decode()
    client.post(f"/outbox/{kept[0].pk}/make-card/", {"pipeline": world.pipeline.pk})
    item = Item.objects.get(title="Our news")
    assert (item.contact.name, item.contact.email()) == ("News", "news@list.example")
    assert Message.objects.get(pk=kept[0].pk).item == item
    assert Event.objects.get(kind="email.received", payload__message=kept[0].pk).item == item
    assert "Our news" not in client.get("/outbox/?loose=1").content.decode()
    client.force_login(world.bob)
    assert "Parcel" not in client.get("/outbox/?loose=1").content.decode()


# ---------------------------------------------------------------------- invitations


@db
def test_an_invitation_is_told_and_accepted_once(world, imap, box, mailbox, drain, client, now):  # noqa: F811
    world.contact.add_email("ivo@example.org")
    item = world.deal()
    imap.put(case("ics.eml"))
    _count, (message,) = look(box)
    assert message.item == item
    assert Attachment.objects.get().kind == "text/calendar"
    world.bob.zone = "Europe/Warsaw"
    world.bob.save()
    client.force_login(world.bob)
    page = client.get(f"/items/{item.pk}/").content.decode()
    for words in ("Measuring the kitchen", "12 Fenn Road", "11:00", "ivo@example.org", "Ring twice."):
        assert words in page, words
    event = Event.objects.get(kind="email.received")
    for _twice in range(2):
        assert client.post(f"/events/{event.pk}/accept/").status_code == 302
    task = Task.objects.get()
    assert (task.kind, task.title, task.assignee) == ("meeting", "Measuring the kitchen", world.bob)
    assert timezone.localtime(task.deadline, timezone.get_fixed_timezone(0)).isoformat() == "2026-12-03T10:00:00+00:00"
    drain()
    (reply,) = mailbox.mails
    parsed = message_from_bytes(reply.as_bytes(), policy=policy.default)
    part = next(p for p in parsed.walk() if p.get_content_type() == "text/calendar")
    assert part.get_param("method") == "REPLY"
    calendar = Calendar.from_ical(part.get_payload(decode=True))
    answered = next(iter(calendar.walk("VEVENT")))
    assert (calendar["METHOD"], answered["UID"]) == ("REPLY", "k1@example.org")
    assert answered["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert str(answered["ATTENDEE"]) == "mailto:shop@example.com"
    assert reply["To"] == "ivo@example.org"
    assert "Accepted by Bob Seller" in client.get(f"/items/{item.pk}/").content.decode()
    client.force_login(world.charlie)
    assert client.post(f"/events/{event.pk}/accept/").status_code == 404


@db
def test_a_called_off_and_a_broken_invitation_are_no_invitation_to_accept(world, imap, box, client, now):  # noqa: F811
    world.contact.add_email("ivo@example.org")
    item = world.deal()
    off = case("ics.eml").replace(b"METHOD:REQUEST", b"METHOD:CANCEL").replace(b"<t2@", b"<t3@")
    broken = case("ics.eml").replace(b"DTSTART:20261203T100000Z", b"DTSTART:never").replace(b"<t2@", b"<t4@")
    imap.put(off, broken)
    assert len(look(box)[1]) == 2
    client.force_login(world.bob)
    page = client.get(f"/items/{item.pk}/").content.decode()
    assert "called off" in page
    assert "/accept/" not in page
    event = Event.objects.filter(kind="email.received").earliest("pk")
    assert client.post(f"/events/{event.pk}/accept/").status_code == 404


def test_a_whole_day_and_a_time_without_a_zone_are_read():
    raw = case("ics.eml").replace(b"DTSTART:20261203T100000Z", b"DTSTART;VALUE=DATE:20261203")
    found = read(raw.replace(b"DTEND:20261203T110000Z", b"DTEND;VALUE=DATE:20261204")).invitation
    assert (found["start"], found["end"]) == ("2026-12-03", "2026-12-04")
    floating = read(case("ics.eml").replace(b"T100000Z", b"T100000")).invitation
    assert floating["start"].startswith("2026-12-03T")


def test_words_of_a_colleague_above_and_below_header_lines():
    text = "FYI\n\n-----Original Message-----\nFrom: Bea <bea@example.org>\nSent: Monday\nTo: Bob\nSubject: Bed\n\nHow much?"
    found = passed_on(text)
    assert (found.name, found.address, found.subject, found.text, found.comment) == (
        "Bea", "bea@example.org", "Bed", "How much?", "FYI",
    )  # fmt: skip
    assert passed_on("From: here to there\nit is far") is None
    assert passed_on("") is None


def test_a_pdf_stays_beside_an_empty_text():
    made = EmailMessage()
    made["From"], made["Subject"] = "jan@example.com", "Only a file"
    made.set_content("")
    made.add_attachment(PDF, maintype="application", subtype="pdf", filename="plan.pdf")
    found = read(made.as_bytes())
    assert (found.text, [file.name for file in found.files]) == ("", ["plan.pdf"])
