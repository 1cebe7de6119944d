"""SMS by Twilio, against a real server on loopback in its place."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator

from crm.frame import health
from crm.ground import clock, vault
from crm.messages import open_ends
from crm.messages.transports.base import TransportError
from crm.models import Contact, Event, Item, Job, Message, Notification, Refusal
from tests.servers import free_port

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def twilio(world, outside, settings):
    settings.TWILIO_BASE_URL = f"http://{outside.host}"
    settings.PUBLIC_URL = "https://crm.example.com"
    world.sms.transport = "twilio"
    world.sms.settings = {"account_sid": "AC" + "0" * 32}
    world.sms.secret = vault.lock({"auth_token": TOKEN})
    world.sms.sender = "+48221234567"
    world.sms.save()
    outside.answer = (201, json.dumps({"sid": "SM1", "status": "queued"}).encode(), {}, 0)
    return outside


def sms(world, drain):
    world.rule("talk", "send_sms", {"text": "Zażółć"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    return Message.objects.get(item=item)


def told(client, message, status, token=TOKEN, url=None, **more):
    path = f"/twilio/status/{message.public_id}/"
    data = {"MessageSid": "SM1", "MessageStatus": status, **more}
    signature = RequestValidator(token).compute_signature(url or f"https://crm.example.com{path}", data)
    return client.post(path, data, headers={"X-Twilio-Signature": signature})


def test_an_sms_goes_through_twilio_with_its_callback(world, twilio, drain):
    message = sms(world, drain)
    sent = parse_qs(twilio.calls[0]["body"].decode())
    assert (message.status, message.provider_id) == ("sent", "SM1")
    assert sent["Body"] == ["Zażółć"]
    assert sent["To"] == ["+84912345678"]
    assert sent["StatusCallback"] == [f"https://crm.example.com/twilio/status/{message.public_id}/"]
    assert twilio.calls[0]["headers"]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((400, b'{"code": 21211, "message": "invalid number"}', {}, 0), "failed"),
        ((429, b'{"code": 20429, "message": "slow down"}', {}, 0), "planned"),
        ((503, b'{"code": 20503, "message": "later"}', {"Retry-After": "700"}, 0), "planned"),
    ],
)
def test_what_twilio_refuses_delays_or_leaves_open_ends_as_the_contract_says(world, twilio, drain, answer, status):
    twilio.answer = answer
    message = sms(world, drain)
    assert message.status == status
    assert len(twilio.calls) == 1  # never sent twice


def test_the_pause_that_twilio_asks_for_is_kept(world, twilio, now, drain):
    twilio.answer = (503, b'{"code": 20503, "message": "later"}', {"Retry-After": "700"}, 0)
    job = sms(world, drain).job
    assert job.due_at >= clock.now() + timedelta(seconds=690)


def later(drain, now, seconds):
    with clock.at(now + timedelta(seconds=seconds)):
        drain()


def listed(twilio, now, *bodies):
    moment = format_datetime(now)
    rows = [
        {"sid": f"SM{place}", "body": body, "direction": "outbound-api", "date_created": moment, "status": "sent"}
        for place, body in enumerate(bodies, 7)
    ]
    page = {"messages": rows, "next_page_uri": None, "uri": "/x", "page": 0, "page_size": 50}
    twilio.answer = (200, json.dumps(page).encode(), {}, 0)


@pytest.mark.parametrize("broken", ["cut", (502, b"{}", {}, 0), (500, b"{}", {}, 0)])
def test_what_may_have_left_is_looked_for_and_never_sent_twice(world, twilio, now, drain, broken):
    twilio.answer = broken
    message = sms(world, drain)
    assert message.status == "planned"
    Message.objects.create(channel=world.sms, to=message.to, text="another text", provider_id="SM7", direction="out")
    listed(twilio, now, "another text", "Zażółć")
    later(drain, now, 30)
    message.refresh_from_db()
    assert (message.status, message.provider_id) == ("sent", "SM8")
    assert [call["method"] for call in twilio.calls] == ["POST", "GET"]


def test_what_is_not_in_the_list_after_two_minutes_is_sent_again(world, twilio, now, drain):
    twilio.answer = "cut"
    message = sms(world, drain)
    listed(twilio, now)
    later(drain, now, 30)
    later(drain, now, 60)
    message.refresh_from_db()
    assert message.status == "planned"
    assert [call["method"] for call in twilio.calls] == ["POST", "GET", "GET"]
    later(drain, now, 150)
    assert [call["method"] for call in twilio.calls][3:] == ["GET", "POST"]


def test_a_text_that_twilio_may_have_changed_is_not_sent_again(world, twilio, now, drain):
    twilio.answer = "cut"
    message = sms(world, drain)
    listed(twilio, now, "Sent from your Twilio trial account - Zażółć")
    later(drain, now, 30)
    message.refresh_from_db()
    assert message.status == "unknown"


def test_what_is_asked_about_ends_with_the_answer_wherever_the_card_has_gone(world, twilio, now, drain):
    twilio.answer = "cut"
    message = sms(world, drain)
    world.move(message.item, "papers")
    Contact.objects.update(no_sms=True)
    listed(twilio, now, "Zażółć")
    later(drain, now, 30)
    message.refresh_from_db()
    assert message.status == "sent"
    assert world.runs(message.item)[0].status == "done"


def test_a_failure_that_a_callback_told_is_not_made_a_success(world, twilio, now, drain, client):
    twilio.answer = "cut"
    message = sms(world, drain)
    told(client, message, "failed", ErrorCode="30003")
    listed(twilio, now, "Zażółć")
    later(drain, now, 30)
    message.refresh_from_db()
    assert (message.status, message.job.status) == ("failed", "failed")


def test_sending_again_ends_within_the_limit_and_nobody_is_flooded(world, twilio, now, drain):
    twilio.answer = "cut"
    job, sent, moment = sms(world, drain).job, 1, now
    while moment < now + timedelta(days=3):
        with clock.at(moment := max(job.due_at, moment + open_ends.SETTLED_AFTER)):
            if not open_ends.send_again(job):
                break
        with clock.at(moment := job.due_at):
            sent += 1
            if not open_ends.ask_later(job, TransportError("cut", sent=True)):
                break
    assert sent < 10
    assert moment <= now + timedelta(hours=25)


def test_where_twilio_cannot_say_nobody_knows(world, twilio, now, drain):
    twilio.answer = "cut"
    message = sms(world, drain)
    later(drain, now, 30)
    message.refresh_from_db()
    assert message.status == "planned"
    later(drain, now, 700)
    message.refresh_from_db()
    assert message.status == "unknown"
    assert [call["method"] for call in twilio.calls] == ["POST", "GET", "GET"]


def test_what_reached_nobody_is_tried_again(world, twilio, now, drain, settings):
    settings.TWILIO_BASE_URL = f"http://127.0.0.1:{free_port()}"
    message = sms(world, drain)
    assert message.status == "planned"
    assert "cannot be reached" in message.job.error
    assert not message.job.payload.get("unsure_at")


def test_a_callback_settles_what_a_broken_connection_left_open(world, twilio, now, drain, client):
    twilio.answer = "cut"
    message = sms(world, drain)
    later(drain, now, 30)
    later(drain, now, 700)
    message.refresh_from_db()
    assert message.status == "unknown"
    assert told(client, message, "delivered").status_code == 204
    message.refresh_from_db()
    assert message.status == "delivered"
    assert world.runs(message.item)[0].status == "done"


def test_callbacks_may_come_twice_and_in_any_order(world, twilio, drain, client):
    message = sms(world, drain)
    for word in ("delivered", "sent", "queued", "delivered", "nonsense"):
        assert told(client, message, word).status_code == 204
    message.refresh_from_db()
    assert message.status == "delivered"
    assert Event.objects.filter(kind="sms.delivered").count() == 1


def test_a_forged_callback_changes_nothing(world, twilio, drain, client):
    message = sms(world, drain)
    path = f"/twilio/status/{message.public_id}/"
    assert told(client, message, "failed", token="x" * 32).status_code == 403
    assert told(client, message, "failed", url=f"http://evil.example.com{path}").status_code == 403
    assert client.post(path, {"MessageStatus": "failed"}).status_code == 403
    valid = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signature = RequestValidator(TOKEN).compute_signature(f"https://crm.example.com{path}", valid)
    tampered = client.post(path, valid | {"MessageStatus": "failed"}, headers={"X-Twilio-Signature": signature})
    assert tampered.status_code == 403
    message.refresh_from_db()
    assert message.status == "sent"


def test_an_empty_token_validates_nothing_and_shows_on_the_health_page(world, twilio, drain, client):
    message = sms(world, drain)
    world.sms.secret = vault.lock({"auth_token": ""})
    world.sms.save()
    assert told(client, message, "failed", token="").status_code == 503
    assert any("auth token" in line.fault for line in health.lines())


def test_a_callback_faster_than_our_own_outcome_is_kept(world, twilio, drain, client):
    """Twilio tells of the failure while the worker still waits for the answer to its request."""
    from crm.messages import sending

    message = sms(world, drain)
    Message.objects.filter(pk=message.pk).update(status="sending")
    job = Job.objects.get(pk=message.job_id)
    Job.objects.filter(pk=job.pk).update(status="sending", owner="x", finished_at=None)
    assert told(client, message, "failed", ErrorCode="30003").status_code == 204
    sending.conclude(Job.objects.get(pk=job.pk), "SM1")
    message.refresh_from_db()
    assert (message.status, message.error) == ("failed", "30003")


# ---------------------------------------------------------------------- what customers send


def comes(client, world, text, sid="SM9", sender="+84912345678", token=TOKEN):
    path = f"/twilio/sms/{world.sms.pk}/"
    data = {"MessageSid": sid, "From": sender, "To": world.sms.sender, "Body": text}
    signature = RequestValidator(token).compute_signature(f"https://crm.example.com{path}", data)
    return client.post(path, data, headers={"X-Twilio-Signature": signature})


def test_an_sms_of_a_customer_is_kept_once_and_told(world, twilio, client):
    item = world.deal()
    for _ in range(2):
        answer = comes(client, world, "Bao giờ giao hàng?")
        assert (answer.status_code, answer.content[-11:]) == (200, b"<Response/>")
    message = Message.objects.get(direction="in")
    assert (message.contact, message.item, message.text) == (world.contact, item, "Bao giờ giao hàng?")
    assert message.conversation.unread == 1
    assert Event.objects.get(kind="sms.received").item == item
    assert "Bao giờ" in Notification.objects.get(user=world.bob).text
    client.force_login(world.bob)
    assert "Bao giờ giao hàng?" in client.get(f"/items/{item.pk}/").content.decode()


def test_an_sms_with_a_text_moves_the_card(world, twilio, client, drain):
    world.trigger("pay", "sms_received", {"text": "đồng ý", "how": "folded"})
    item = world.deal()
    comes(client, world, "Để xem", sid="SM1")
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["new"]
    comes(client, world, "Tôi ĐỒNG Ý nhé", sid="SM2")
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["pay"]


@pytest.mark.parametrize("text", ["STOP", "stop.", "Huỷ", "Rezygnuję", "ARRÊT"])
def test_stop_is_obeyed_and_start_takes_it_back(world, twilio, client, drain, text):
    world.trigger("pay", "sms_received", {})
    item = world.deal()
    comes(client, world, text)
    drain()
    assert [row.reason for row in Refusal.objects.of(world.contact)] == ["stop"]
    assert Item.objects.get(pk=item.pk).stage == world.stages["new"]
    comes(client, world, "Start", sid="SM10")
    assert not Refusal.objects.of(world.contact)


def test_an_sms_of_nobody_we_know_is_kept(world, twilio, client):
    comes(client, world, "Hello", sender="+48601000111")
    message = Message.objects.get(direction="in")
    assert (message.contact, message.item, message.to) == (None, None, "+48601000111")


def test_a_forged_sms_is_refused(world, twilio, client):
    assert comes(client, world, "STOP", token="f" * 32).status_code == 403
    world.sms.secret = ""
    world.sms.save()
    assert comes(client, world, "STOP").status_code == 503
    assert not Message.objects.filter(direction="in").exists()
