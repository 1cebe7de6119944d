"""Mail through a delivery service: Postmark's interface on loopback, its webhooks, and what they may not do."""

from __future__ import annotations

import base64
import json

import pytest

from crm.frame import health
from crm.ground import vault
from crm.models import Event, Job, Message, Refusal

PASSWORD = "0123456789abcdef"


@pytest.fixture
def postmark(world, outside, settings):
    settings.MAIL_SERVICE_URLS = {"postmark": f"http://{outside.host}/"}
    world.email.transport = "delivery_service"
    world.email.settings = {"service": "postmark"}
    world.email.secret = vault.lock({"api_key": "key", "webhook_password": PASSWORD})
    world.email.sender = "Dębowy Dom <shop@example.com>"
    world.email.save()
    answer = {
        "ErrorCode": 0,
        "Message": "OK",
        "MessageID": "pm-1",
        "To": "jan@example.com",
        "SubmittedAt": "2026-11-18T10:00:00Z",
    }
    outside.answer = (200, json.dumps(answer).encode(), {"Content-Type": "application/json"}, 0)
    return outside


def send(world, drain):
    world.rule("talk", "send_email", {"subject": "Oferta ęą", "body": "Proszę"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    return item, Message.objects.get(direction="out")


def told(client, world, what, data, password=PASSWORD):
    basic = base64.b64encode(f"dealwright:{password}".encode()).decode()
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    headers = {"Authorization": f"Basic {basic}"} if password else {}
    return client.post(f"/mail/{world.email.pk}/{what}/", body, content_type="application/json", headers=headers)


def status(kind, message, **more):
    return {
        "RecordType": kind, "MessageID": "pm-1", "Recipient": message.to, "Email": message.to,
        "Metadata": {"message": message.public_id.hex}, "DeliveredAt": "2026-11-18T10:01:00Z",
        "BouncedAt": "2026-11-18T10:01:00Z", **more,
    }  # fmt: skip


@pytest.mark.django_db
def test_a_mail_leaves_by_the_service_and_its_delivery_is_told(world, postmark, drain, client):
    item, message = send(world, drain)
    (call,) = postmark.calls
    asked = json.loads(call["body"])
    assert (asked["Subject"], asked["Metadata"]) == ("Oferta ęą", {"message": message.public_id.hex})
    assert (message.status, message.provider_id, message.error) == ("sent", "pm-1", "")
    for _ in range(2):
        assert told(client, world, "status", status("Delivery", message)).status_code == 200
    assert Message.objects.get(pk=message.pk).status == "delivered"
    assert Event.objects.filter(kind="email.delivered", item=item).count() == 1


@pytest.mark.django_db
def test_bounce_and_complaint_end_mail_to_the_address(world, postmark, drain, client):
    _item, message = send(world, drain)
    bounce = {"Type": "HardBounce", "TypeCode": 1, "ID": 7, "Description": "unknown user", "Inactive": True}
    assert told(client, world, "status", status("Bounce", message, **bounce)).status_code == 200
    assert Message.objects.get(pk=message.pk).status == "failed"
    assert [row.reason for row in Refusal.objects.of(world.contact)] == ["bounced"]
    complaint = {"Type": "SpamComplaint", "TypeCode": 512, "ID": 8, "Description": "spam", "Inactive": True}
    assert told(client, world, "status", status("SpamComplaint", message, **complaint)).status_code == 200
    assert [row.reason for row in Refusal.objects.of(world.contact)] == ["bounced", "complained"]


@pytest.mark.django_db
def test_a_mail_that_the_service_took_in_comes_to_its_card(world, postmark, drain, client):
    world.contact.add_email("jan@example.com")
    item = world.deal(stage="talk")
    head = [{"Name": "Message-ID", "Value": "<in@theirs.example>"}]
    inbound = {
        "From": "jan@example.com", "FromFull": {"Email": "jan@example.com", "Name": "Jan", "MailboxHash": ""},
        "To": "shop@example.com", "ToFull": [], "Cc": "", "CcFull": [], "Subject": "Hej", "MessageID": "pm-in-1",
        "Date": "Wed, 18 Nov 2026 10:00:00 +0100", "TextBody": "Biorę", "HtmlBody": "<p>Biorę<script>x</script></p>",
        "Headers": head, "Attachments": [{"Name": "a.pdf", "Content": base64.b64encode(b"%PDF-1.4 x").decode(), "ContentType": "application/pdf", "ContentLength": 10}],
    }  # fmt: skip
    for _ in range(2):
        assert told(client, world, "inbound", inbound).status_code == 200
    (message,) = Message.objects.filter(direction="in")
    assert (message.item, message.text, message.attachments.count()) == (item, "Biorę", 1)
    assert "script" not in message.html
    large = dict(inbound, Headers=[{"Name": "Message-ID", "Value": "<large@x>"}], TextBody="x" * 400_000)
    assert told(client, world, "inbound", large).status_code == 200  # larger than other addresses take


@pytest.mark.django_db
def test_what_is_forged_or_no_call_of_the_service_changes_nothing(world, postmark, drain, client):
    _item, message = send(world, drain)
    good = status("Delivery", message)
    assert told(client, world, "status", good, password="wrong").status_code == 403
    assert told(client, world, "status", good, password="").status_code == 403
    assert told(client, world, "status", b"{").status_code == 400
    assert told(client, world, "status", b"[]").status_code == 400
    assert told(client, world, "else", good).status_code == 404
    assert client.post(f"/mail/{world.sms.pk}/status/").status_code == 404
    other = status("Delivery", message, Metadata={"message": "f" * 32})
    assert told(client, world, "status", other).status_code == 200
    assert Message.objects.get(pk=message.pk).status == "sent"
    world.email.secret = vault.lock({"api_key": "key"})
    world.email.save()
    assert told(client, world, "status", good).status_code == 503


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        ((422, b'{"ErrorCode": 300, "Message": "Invalid email"}', {}, 0), "failed", "422"),
        ((401, b'{"ErrorCode": 10, "Message": "Bad token"}', {}, 0), "planned", ""),
        ((503, b"{}", {}, 0), "unknown", ""),
        ((200, b'{"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": "x"}', {}, 0), "unknown", ""),
    ],
)
def test_a_refusal_is_told_and_only_what_may_work_is_tried_again(answer, state, words, world, postmark, drain):
    postmark.answer = answer
    _item, message = send(world, drain)
    assert message.status == state
    assert words in message.error


@pytest.mark.django_db
def test_a_channel_without_its_key_is_red(world, postmark):
    world.email.secret = ""
    world.email.save()
    assert any("API key" in line.fault for line in health.lines())


@pytest.mark.django_db
def test_work_that_comes_back_is_forgotten_when_it_is_old(world, drain, now):
    from datetime import timedelta

    from crm.ground import clock
    from crm.work import jobs

    Job.plan("digest", "recurring:digest:1", lane=1)
    Job.plan("match", "kept", payload={"event": 0})
    drain()
    Job.objects.update(status="done", finished_at=clock.now())
    jobs.forget(Job())
    assert Job.objects.count() == 2
    Job.objects.update(finished_at=clock.now() - timedelta(days=8))
    jobs.forget(Job())
    assert list(Job.objects.values_list("kind", flat=True)) == ["match"]


@pytest.mark.django_db
def test_a_full_mailbox_is_no_reason_to_give_up_an_address(world, postmark, drain, client):
    _item, message = send(world, drain)
    soft = {"Type": "SoftBounce", "TypeCode": 4096, "ID": 9, "Description": "mailbox full", "Inactive": False}
    assert told(client, world, "status", status("Bounce", message, **soft)).status_code == 200
    assert Message.objects.get(pk=message.pk).status == "failed"
    assert not Refusal.objects.exists()


@pytest.mark.django_db
def test_a_large_mail_of_mailgun_with_a_file_is_taken_in_and_a_forged_one_is_not(world, client):
    import hashlib
    import hmac
    import time

    from django.core.files.uploadedfile import SimpleUploadedFile

    from crm.models import Item

    world.email.transport, world.email.settings = "delivery_service", {"service": "mailgun", "domain": "x.example"}
    world.email.secret = vault.lock({"api_key": "k", "webhook_password": PASSWORD, "signing_key": "sign"})
    world.email.save()
    world.contact.add_email("jan@example.com")
    item = Item.objects.get(pk=world.deal(stage="talk").pk)
    at, token = str(int(time.time())), "t" * 50
    fields = {
        "timestamp": at, "token": token, "signature": hmac.new(b"sign", f"{at}{token}".encode(), hashlib.sha256).hexdigest(),
        "sender": "jan@example.com", "recipient": "shop@x.example", "subject": "Zażółć", "from": "Jan <jan@example.com>",
        "message-headers": json.dumps([["Message-Id", "<mg@x>"], ["From", "Jan <jan@example.com>"], ["Subject", "Zażółć"]]),
        "body-plain": "Biorę\n" + "x" * 300_000, "body-html": "<p>Biorę</p>" + "y" * 300_000, "attachment-count": "1",
    }  # fmt: skip
    basic = base64.b64encode(f"dealwright:{PASSWORD}".encode()).decode()
    path, headers = f"/mail/{world.email.pk}/inbound/", {"Authorization": f"Basic {basic}"}
    forged = fields | {"signature": "0" * 64}
    assert client.post(path, forged, headers=headers).status_code == 403
    file = SimpleUploadedFile("plan ę.pdf", b"%PDF-1.4\r\n\x00\xff binary\n", "application/pdf")
    assert client.post(path, fields | {"attachment-1": file}, headers=headers).status_code == 200
    message = Message.objects.get(direction="in")
    assert (message.item, message.subject, message.text[:5]) == (item, "Zażółć", "Biorę")
    with message.attachments.get().file.open("rb") as kept:
        assert kept.read() == b"%PDF-1.4\r\n\x00\xff binary\n"
