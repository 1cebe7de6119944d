"""Mails that come in: from a real IMAP server to the right card, whatever they are."""

from __future__ import annotations

import base64
from datetime import timedelta
from email.message import EmailMessage

import pytest

from crm.ground import clock, vault
from crm.messages.mail import imap as looking
from crm.messages.mail.reading import read, without_quotes
from crm.models import (
    Attachment,
    Channel,
    Contact,
    Event,
    Item,
    Job,
    Mailbox,
    MailTemplate,
    Message,
    Notification,
    Refusal,
)
from crm.work import queue

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def mail(sender="Jan Kowalski <jan@example.com>", subject="Pytanie", text="Dzień dobry, kiedy dostawa?", **headers):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "shop@example.com", subject
    made["Message-ID"] = headers.pop("id", f"<{abs(hash((sender, subject, text)))}@theirs.example>")
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


@pytest.fixture
def box(world, imap):
    """The mailbox as it is set up: looked into once, and empty."""
    world.contact.emails.all().delete()
    world.contact.add_email("jan@example.com")
    made = Mailbox.objects.create(
        name="Shop",
        channel=world.email,
        host="127.0.0.1",
        port=imap.port,
        security="none",
        user=imap.user,
        secret=vault.lock({"password": imap.password}),
    )
    imap.put(mail(subject="Before it was set up"))
    assert looking.look_into(made) == 0
    return made


def look(box):
    count = looking.look_into(Mailbox.objects.get(pk=box.pk))
    return count, list(Message.objects.filter(direction="in").order_by("pk"))


@pytest.mark.django_db
def test_a_customers_mail_comes_to_their_open_card_and_moves_it(world, imap, box, drain, now):
    world.trigger("pay", "email_received", {"channel": ""})
    item = world.deal(stage="talk")
    imap.put(mail())
    queue.tick()
    drain()  # the ticker's job finds it
    (message,) = Message.objects.filter(direction="in")
    assert (message.item, message.contact, message.to) == (item, world.contact, "jan@example.com")
    assert Item.objects.get(pk=item.pk).stage == world.stages["pay"]
    event = Event.objects.get(kind="email.received")
    assert (event.data("subject"), event.data("text")) == ("Pytanie", "Dzień dobry, kiedy dostawa?")
    assert "Pytanie" in Notification.objects.get(user=world.bob, kind="message").text
    assert look(box)[0] == 0  # and is not taken twice
    assert Mailbox.objects.get().checked_at is not None


@pytest.mark.django_db(transaction=True)
def test_an_answer_finds_its_card_by_the_thread_even_from_another_address(world, imap, box, mailbox, drain, now):
    world.rule("talk", "send_email", {"subject": "Oferta", "body": "Proszę"})
    item, _newer = world.deal(), world.deal("A newer card")
    world.move(item, "talk")
    drain()
    (sent,) = mailbox.mails
    imap.put(
        mail(
            "Żona <zona@example.net>",
            "Re: Oferta",
            "Bierzemy.",
            In_Reply_To=sent["Message-ID"].strip(),
            id="<1@x.example>",
        ),
        mail(
            "jan@example.com",
            "Re: Oferta",
            "I ja.",
            References=f"<other@x> {sent['Message-ID'].strip()}",
            id="<2@x.example>",
        ),
        mail(
            "jan@example.com",
            "Nowa sprawa",
            "?",
            In_Reply_To="<" + "A" * 22 + "." + "0" * 24 + "@127.0.0.1>",
            id="<3@x.example>",
        ),
    )
    _count, (wife, jan, forged) = look(box)
    assert (wife.item, jan.item, forged.item) == (item, item, item)
    assert wife.answers == jan.answers == Message.objects.get(direction="out")
    assert forged.answers is None


@pytest.mark.django_db(transaction=True)
def test_a_colleague_answers_in_the_same_thread_with_a_letter_and_files(world, imap, box, mailbox, drain, client, now):
    item = world.deal(stage="talk")
    imap.put(mail(id="<ask@theirs.example>"))
    _count, (asked,) = look(box)
    client.force_login(world.bob)
    page = client.get(f"/items/{item.pk}/?answer={asked.pk}").content.decode()
    assert 'value="Re: Pytanie"' in page
    assert f'value="{asked.pk}"' in page
    data = {
        "answers": asked.pk, "to": "jan@example.com", "subject": "Re: Pytanie", "text": "W piątek",
        "text_html": "<div>W <strong>piątek</strong><script>alert(1)</script></div>", "letterhead": "on",
    }  # fmt: skip
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("Umowa ęą.pdf", PDF)
    answer = client.post(f"/items/{item.pk}/write/email/", {**data, "files": file})
    assert answer.status_code == 302
    with clock.at(now + timedelta(minutes=2)):
        drain()
    (sent,) = mailbox.mails
    assert (sent["In-Reply-To"].strip(), sent["References"].strip()) == ("<ask@theirs.example>", "<ask@theirs.example>")
    parts = {part.get_content_type(): part for part in sent.walk()}
    html = parts["text/html"].get_payload(decode=True).decode()
    assert "<strong>piątek</strong>" in html
    assert "script" not in html
    assert "Dębowy Dom" in html
    assert "<style" not in html or "style=" in html
    assert parts["text/plain"].get_payload(decode=True).decode().strip() == "W piątek"
    assert (parts["application/pdf"].get_payload(decode=True), parts["application/pdf"].get_filename()) == (
        PDF,
        "Umowa ęą.pdf",
    )
    event = Event.objects.get(kind="email.sent")
    assert [file["name"] for file in event.data("files")] == ["Umowa ęą.pdf"]
    file = client.get(f"/files/{event.data('files')[0]['id']}/")
    assert b"".join(file.streaming_content) == PDF
    file.close()
    client.force_login(world.charlie)
    assert client.get(f"/files/{event.data('files')[0]['id']}/").status_code in (403, 404)


@pytest.mark.django_db
def test_automatic_answers_are_kept_but_start_nothing(world, imap, box, drain, now):
    world.trigger("pay", "email_received", {"channel": ""})
    item = world.deal(stage="talk")
    imap.put(
        mail(subject="Out of office", Auto_Submitted="auto-replied", id="<a@x>"),
        mail(subject="Newsletter", Precedence="bulk", id="<b@x>"),
        mail(subject="Loop", X_Auto_Response_Suppress="All", id="<c@x>"),
        mail("Dębowy Dom <shop@example.com>", "Our own", id="<d@x>"),
    )
    Channel.objects.filter(pk=world.email.pk).update(sender="Dębowy Dom <shop@example.com>")
    _count, kept = look(box)
    drain()
    assert [message.subject for message in kept] == ["Out of office", "Newsletter", "Loop", "Our own"]
    assert Item.objects.get(pk=item.pk).stage == world.stages["talk"]
    assert not Notification.objects.filter(kind="message").exists()


@pytest.mark.django_db
def test_strangers_become_cards_where_that_is_set(world, imap, box, now):
    imap.put(mail("Nguyễn Thị Hoa <hoa@example.vn>", "Bàn gỗ", id="<s1@x>"))
    _count, (kept,) = look(box)
    assert (kept.item, kept.contact) == (None, None)
    Channel.objects.update(strangers=world.pipeline)
    imap.put(mail("Nguyễn Thị Hoa <hoa@example.vn>", "Bàn gỗ", id="<s2@x>"))
    card = look(box)[1][1].item
    assert (card.title, card.contact.name, card.stage) == ("Bàn gỗ", "Nguyễn Thị Hoa", world.stages["new"])
    assert Contact.objects.with_address(email="hoa@example.vn").count() == 1
    assert Event.objects.get(kind="item.created", item=card).cause_kind == "mail"


@pytest.mark.django_db
def test_a_mail_that_came_back_fails_and_its_address_is_used_no_more(world, imap, box, mailbox, drain, client, now):
    world.rule("talk", "send_email", {"subject": "Oferta", "body": "Proszę", "to": ""})
    item = world.deal()
    world.move(item, "talk")
    drain()
    (sent,) = mailbox.mails
    report = (
        "From: MAILER-DAEMON@theirs.example\r\nTo: shop@example.com\r\nSubject: Undelivered\r\nMessage-ID: <dsn@x>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        "Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {id}\r\n\r\n--b--\r\n"
    )
    good = {"to": "jan@example.com", "action": "failed", "status": "5.1.1", "id": sent["Message-ID"].strip()}
    for change in ({"to": "else@example.com"}, {"action": "delayed"}, {"status": "4.2.2"}, {"id": "<forged@x>"}):
        imap.put(report.format(**good | change).encode())
        look(box)
    assert Message.objects.get(direction="out").status == "sent"
    imap.put(report.format(**good).encode())
    look(box)
    message = Message.objects.get(direction="out")
    assert (message.status, "550 5.1.1 no such user" in message.error) == ("failed", True)
    assert Refusal.objects.get().words == "550 5.1.1 no such user"
    assert Event.objects.filter(kind="email.failed", item=item).count() == 1
    assert "jan@example.com" in Notification.objects.get(user=world.bob).text
    world.move(item, "new")
    world.move(item, "talk")
    drain()
    assert len(mailbox.mails) == 1  # nothing is sent there again, and the rule says why
    assert "no such user" in world.runs(item)[-1].error
    assert world.runs(item)[-1].status == "skipped"
    client.force_login(world.bob)
    page = client.get(f"/contacts/{world.contact.pk}/").content.decode()
    assert "Mail to jan@example.com comes back: 550 5.1.1 no such user" in page


@pytest.mark.django_db
def test_a_complaint_ends_all_mail_to_the_reader(world, imap, box, mailbox, drain, now):
    world.rule("talk", "send_email", {"subject": "Oferta", "body": "Proszę"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    (sent,) = mailbox.mails
    imap.put(
        (
            "From: fbl@theirs.example\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\r\n"
            f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {sent['Message-ID'].strip()}\r\n\r\nx\r\n--b--\r\n"
        ).encode()
    )
    look(box)
    assert Refusal.objects.against("email", "jan@example.com").reason == "complained"
    assert Event.objects.filter(kind="email.complained", item=item).exists()


@pytest.mark.django_db
def test_strange_mails_do_no_harm(world, imap, box, client, now):
    item = world.deal(stage="talk")
    script = base64.b64encode(b"<p onclick=x()>Hej<script>alert(1)</script><img src=http://spy.example/1.gif></p>")
    utf7 = b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-hej"
    head = b"From: jan@example.com\r\nMessage-ID: <%d@x>\r\n"
    imap.put(
        head % 1 + b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + script,
        head % 2 + b"Content-Type: text/html; charset=utf-7\r\n\r\n" + utf7,
        head % 3 + b"Subject: =?nonsense?q?a?=\r\nContent-Type: text/plain; charset=nonsense\r\n\r\nh\xe9\x00llo",
        head % 4 + b'Content-Type: multipart/mixed; boundary="never"\r\n\r\n--other\r\n\r\nx',
        b"\r\n\r\n",
    )
    _count, kept = look(box)
    assert len(kept) == 5  # also the one of nobody
    assert all(message.item == item for message in kept[:4])
    kept = kept[:4]
    assert not any("<script" in message.html or "onclick" in message.html for message in kept)
    assert "\0" not in kept[2].text
    client.force_login(world.bob)
    for message in kept:
        assert client.get(f"/outbox/{message.pk}/").status_code == 200
    body = client.get(f"/outbox/{kept[0].pk}/body/")
    assert "img-src 'self' data:;" in body["Content-Security-Policy"]
    asked = client.get(f"/outbox/{kept[0].pk}/body/?pictures=1")
    assert "img-src 'self' data: https: http:;" in asked["Content-Security-Policy"]
    assert client.get(f"/items/{item.pk}/").status_code == 200


@pytest.mark.django_db
def test_files_come_along_and_of_a_huge_mail_only_the_beginning(world, imap, box, now):
    item = world.deal(stage="talk")
    with_files = mail(id="<f@x>")
    with_files.add_attachment(PDF, maintype="application", subtype="pdf", filename="../../etc/Rzut ł.pdf")
    large = PDF + bytes(range(256)) * 10_000
    with_files.add_attachment(large, maintype="application", subtype="pdf", filename="large.pdf")
    with_files.add_attachment(b"MZ\x90", maintype="application", subtype="octet-stream", filename="virus.exe")
    huge = mail(text="The question itself.", id="<h@x>")
    huge.add_attachment(b"x" * 30_000_000, maintype="application", subtype="pdf", filename="huge.pdf")
    imap.put(with_files, huge)
    look(box)
    first, second = Event.objects.filter(kind="email.received").order_by("pk")
    assert ([file["name"] for file in first.data("files")], first.data("refused")) == (
        ["Rzut ł.pdf", "large.pdf"],
        ["virus.exe"],
    )
    for row, content in zip(Attachment.objects.order_by("pk"), (PDF, large), strict=True):
        with row.file.open("rb") as file:
            assert (row.item, file.read()) == (item, content)
    assert second.data("text") == "The question itself."
    assert "too large" in second.data("note")


@pytest.mark.django_db
def test_a_mailbox_that_cannot_be_read_says_so_and_rests(world, imap, box, drain, now):
    from crm.frame import health

    Mailbox.objects.update(secret=vault.lock({"password": "wrong"}))
    queue.tick()
    drain()
    row = Mailbox.objects.get()
    assert row.fault.startswith("The mailbox cannot be read")
    assert any(row.fault in line.fault for line in health.lines())
    looking.plan_all(None)
    assert not Job.objects.filter(kind=looking.KIND, status="planned").exists()
    with clock.at(now + timedelta(minutes=6)):
        looking.plan_all(None)
        assert Job.objects.filter(kind=looking.KIND, status="planned").count() == 1


@pytest.mark.django_db
def test_a_server_that_numbers_anew_brings_no_mail_twice(world, imap, box, now):
    world.deal(stage="talk")
    imap.put(mail(id="<once@x>"))
    look(box)
    Mailbox.objects.update(validity=1, last_uid=99_999)
    look(box)
    assert Message.objects.filter(mail_id="<once@x>").count() == 1


@pytest.mark.parametrize(
    "quoted",
    [
        "W dniu 12.11.2026 o 10:00 Anna <anna@x.pl> napisał(a):\n> stare\n> więcej",
        "Vào Th 4, 12 thg 11, 2026 vào lúc 10:00 Anna <anna@x.pl> đã viết:\n\n> cũ",
        "Le mer. 12 nov. 2026 à 10:00,\nAnna <a@b.c> a écrit :\n> vieux",
        "-----Original Message-----\nFrom: Anna\nSent: today\nTo: me\nSubject: x\n\nold",
        "Od: Anna\nWysłano: dziś\nDo: Jan\nTemat: x\n\nstare",
    ],
)
def test_of_an_answer_only_what_is_new_is_shown(quoted):
    assert without_quotes(f"Biorę:\n- stół\n- krzesła\n\n{quoted}") == "Biorę:\n- stół\n- krzesła"


def test_what_is_quoted_amid_the_answers_stays():
    text = "> Kiedy?\nJutro.\n> Gdzie?\nTutaj."
    assert without_quotes(text) == text
    assert read(b"Subject: x\n\n> only quoted").text == "> only quoted"


@pytest.mark.django_db
def test_a_template_fills_the_mail_of_the_composer_and_of_a_rule(world, mailbox, drain, client, now):
    template = MailTemplate(
        name="Offer",
        subject="For {{ contact.name }}",
        body="<p>Hej <b>{{ contact.name }}</b> {{ item.amount | money }}</p>",
    )
    template.full_clean()
    template.save()
    world.contact.name = "Jan <b> Kowalski"
    world.contact.save()
    item = world.deal(amount=100)
    client.force_login(world.bob)
    made = client.get(f"/items/{item.pk}/mail-template/?template={template.pk}").json()
    assert made["subject"] == "For Jan <b> Kowalski"
    assert "Jan &lt;b&gt; Kowalski" in made["html"]
    assert client.get(f"/items/{item.pk}/mail-template/?template=x").status_code == 404
    world.rule("talk", "send_email", {"template": str(template.pk)})
    world.move(item, "talk")
    drain()
    (sent,) = mailbox.mails
    html = (
        next(part for part in sent.walk() if part.get_content_type() == "text/html").get_payload(decode=True).decode()
    )
    assert sent["Subject"] == "For Jan <b> Kowalski"
    assert "Jan &lt;b&gt; Kowalski" in html
    assert 'class="letter" style="' in html.replace("'", '"')


@pytest.mark.parametrize("text", ["-" * 100_000 + "x", ">\n" * 50_000 + "x", "_" * 90_000 + "\n" + "From: x\n" * 9_000])
def test_a_mail_made_to_be_slow_is_read_all_the_same(text):
    assert read(b"Subject: x\n\n" + text.encode()).whole


@pytest.mark.django_db
def test_one_broken_mail_does_not_keep_back_the_next(world, imap, box, now):
    item = world.deal(stage="talk")
    head = b"From: jan@example.com\r\nMessage-ID: <b%d@x>\r\n"
    broken = [
        head % 1 + b"Subject: =?utf-8?B?a?=\r\n\r\nx",
        head % 2 + b"Content-Type: text/plain; charset=undefined\r\n\r\nx",
        head % 3 + b"Content-Type: text/html; charset=unicode_escape\r\n\r\n<p>\\ud800</p>",
        head % 4 + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename*=utf-7''%2B2AA-.pdf\r\n\r\n%PDF-1.4\r\n--b--\r\n",
        b"From: " + b"a" * 240 + b"@example.com\r\nMessage-ID: <b\0@x>\r\nSubject: long\r\n\r\nx",
    ]
    imap.put(*broken, mail(subject="After them", id="<after@x>"))
    Channel.objects.update(strangers=world.pipeline)
    count, _kept = look(box)
    assert count == 6
    assert Message.objects.get(subject="After them").item == item
    told = Event.objects.filter(kind__in=("email.received", "email.unreadable")).count()
    assert told == 6  # each one is somewhere


@pytest.mark.django_db
def test_whose_address_resembles_ours_is_heard_and_a_forms_sender_is_who_shall_be_answered(world, imap, box, now):
    Channel.objects.filter(pk=world.email.pk).update(sender="Biuro <biuro.jan@example.com>")
    item = world.deal(stage="talk")
    imap.put(
        mail(id="<r1@x>"),
        mail("Web <biuro.jan@example.com>", "Form", Reply_To="Jan <jan@example.com>", id="<r2@x>"),
        mail("Biuro <biuro.jan@example.com>", "Our own", id="<r3@x>"),
    )
    _count, kept = look(box)
    assert [(message.item, message.to) for message in kept[:2]] == [(item, "jan@example.com")] * 2
    assert kept[2].item is None


@pytest.mark.django_db
def test_an_empty_message_id_names_no_mail(world, imap, box, drain, now):
    item = world.deal(stage="talk")
    Message.objects.create(channel=world.email, item=item, contact=world.contact, to="x@example.com", text="planned")
    imap.put(
        mail("Stranger <stranger@example.net>", "Hello", In_Reply_To="<@ab>", id="<e1@x>"),
        b"From: a@b.c\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <@ab>\r\n\r\nx\r\n--b--\r\n",
    )
    _count, (stranger,) = look(box)
    assert stranger.item is None
    assert not Refusal.objects.exists()


@pytest.mark.django_db
def test_a_mail_without_a_card_is_put_on_one(world, imap, box, client, now):
    item = world.deal(stage="talk")
    with_file = mail("Stranger <stranger@example.net>", "Hello", id="<p1@x>")
    with_file.add_attachment(PDF, maintype="application", subtype="pdf", filename="a.pdf")
    imap.put(with_file)
    _count, (kept,) = look(box)
    client.force_login(world.bob)
    assert client.post(f"/outbox/{kept.pk}/card/", {"item": item.pk}).status_code == 404  # the administrators' own
    client.force_login(world.alice)
    client.post(f"/outbox/{kept.pk}/card/", {"item": "²"})
    assert Message.objects.get(pk=kept.pk).item is None
    client.post(f"/outbox/{kept.pk}/card/", {"item": f"#{item.pk}"})
    assert Message.objects.get(pk=kept.pk).item == item
    assert Attachment.objects.get().item == item
    assert Event.objects.filter(item=item, kind="email.received").exists()


@pytest.mark.django_db
def test_a_picture_in_the_text_is_kept_and_a_logo_is_not(world, imap, box, now):
    world.deal(stage="talk")
    png = b"\x89PNG\r\n\x1a\n" + b"x" * 30_000
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = "jan@example.com", "Damaged", "<pic@x>"
    made.set_content("see below")
    made.add_alternative('<p>see <img src="cid:a"> <img src="cid:b"></p>', subtype="html")
    html = made.get_payload()[1]
    html.add_related(png, "image", "png", cid="<a>", filename="photo.png", disposition="inline")
    html.add_related(png[:900], "image", "png", cid="<b>", filename="logo.png", disposition="inline")
    imap.put(made)
    look(box)
    assert [row.name for row in Attachment.objects.all()] == ["photo.png"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["click.example.com", "CLICK.example.com", "click.example.com.", "click.example.com:443"]
)
def test_the_domain_of_links_answers_for_nothing_else(host, world, mailbox, drain, client, settings, now):
    settings.LINK_HOST, settings.ALLOWED_HOSTS = "click.example.com", ["click.example.com", "testserver"]
    world.rule("talk", "send_email", {"subject": "x", "body": "https://example.com/a"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    public_id = Message.objects.get().public_id
    assert client.get(f"/m/{public_id}/o.gif", HTTP_HOST=host).status_code == 200
    assert client.get(f"/m/{public_id}/1/", HTTP_HOST=host).status_code == 302
    assert client.get("/login/", HTTP_HOST=host).status_code == 404
    assert client.get("/login/").status_code == 200


@pytest.mark.django_db
def test_what_rules_mail_is_marked_as_automatic(world, mailbox, drain, now):
    world.rule("talk", "send_email", {"subject": "x", "body": "y"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert mailbox.mails[0]["Auto-Submitted"] == "auto-generated"
