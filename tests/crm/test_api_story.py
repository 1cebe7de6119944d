"""The furniture shop's story through the API alone, with a real mail server and a real server in Twilio's place."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from crm.ground import clock, vault
from crm.models import FormField, WebForm
from tests.crm.test_api import Caller
from tests.crm.test_twilio import TOKEN, told


@pytest.fixture
def shop(world, outside, mailbox, settings):
    settings.TWILIO_BASE_URL = f"http://{outside.host}"
    settings.PUBLIC_URL = "https://crm.example.com"
    world.sms.transport, world.sms.settings = "twilio", {"account_sid": "AC" + "0" * 32}
    world.sms.secret = vault.lock({"auth_token": TOKEN})
    world.sms.save()
    outside.answer = (201, json.dumps({"sid": "SM1", "status": "queued"}).encode(), {}, 0)
    form = WebForm.objects.create(name="Order", slug="order", pipeline=world.pipeline, language="pl", owner=world.bob)
    fields = [
        ("name", "text", "contact.name"),
        ("phone", "phone", "contact.phone"),
        ("email", "email", "contact.email"),
    ]
    for order, (key, kind, saves) in enumerate(fields):
        FormField.objects.create(form=form, key=key, kind=kind, label=key, saves_to=saves, required=True, order=order)
    world.rule("new", "send_sms", {"text": "Dzień dobry {{ contact.salutation }}, oddzwonimy."})
    late = {"when": "working", "amount": 30, "unit": "minutes"}
    world.rule(
        "new", "notify_supervisor", {"text": "Nobody has called {{ contact.name }}."}, timing=late, name="Supervisor"
    )
    world.rule("papers", "send_email", {"subject": "Oferta", "body": "Oferta dla {{ contact.name }}"}, name="Mail")
    world.rule("papers", "create_task", {"title": "Measure the room"}, name="Task")
    world.trigger("pay", "task_status", {"status": "done"})
    return form


def test_from_the_form_to_the_payment_stage_through_the_api_alone(world, now, drain, client, outside, mailbox, shop):
    bob = Caller(client, world.bob)
    answers = {"name": "Żaneta Łączyńska", "phone": "601 234 567", "email": "zaneta@example.com"}
    sent = bob.post("/submissions", {"form": shop.pk, "answers": answers}, Idempotency_Key="order-1")
    assert sent.status_code == 201, sent.data
    bob.post("/submissions", {"form": shop.pk, "answers": answers}, Idempotency_Key="order-1")
    drain()
    submission = bob.get(f"/submissions/{sent.data['id']}").data
    item = bob.get(f"/items/{submission['item']}").data
    assert (item["stage_name"], item["owner"]) == ("New", world.bob.pk)
    assert len(bob.get("/items").data["items"]) == 1

    # The customer is texted, and Twilio tells that it arrived.
    texted = parse_qs(outside.calls[0]["body"].decode())
    assert texted["Body"] == ["Dzień dobry Żaneta, oddzwonimy."]
    message = bob.get(f"/messages?item={item['id']}").data["items"][0]
    from crm.models import Message

    assert told(client, Message.objects.get(pk=message["id"]), "delivered").status_code == 204
    assert bob.get(f"/messages?item={item['id']}").data["items"][0]["status"] == "delivered"

    # Called in time: the supervisor hears nothing.
    planned = bob.get(f"/runs?item={item['id']}&status=planned").data["items"]
    assert [run["rule_name"] for run in planned] == ["Supervisor"]
    call = {"direction": "out", "number": "+48601234567", "answered": True, "seconds": 120}
    assert bob.post("/calls", call).data["item"] == item["id"]
    moved = bob.post(f"/items/{item['id']}/move", {"stage": world.stages["papers"].pk, "version": item["version"]})
    assert moved.status_code == 200, moved.data
    drain()
    ended = {run["rule_name"]: run["status"] for run in bob.get(f"/runs?item={item['id']}").data["items"]}
    assert (ended["Supervisor"], ended["Mail"], ended["Task"]) == ("cancelled", "done", "done")
    assert len(mailbox.mails) == 1

    # The task is done, so the card moves by itself; the events tell who did what.
    task = bob.get(f"/tasks?item={item['id']}").data["items"][0]
    bob("PATCH", f"/tasks/{task['id']}", {"status": "done"})
    with clock.at(now + timedelta(minutes=1)):
        drain()
    assert bob.get(f"/items/{item['id']}").data["stage_name"] == "Pay"
    told_by = bob.get(f"/events?item={item['id']}&kind=stage.entered").data["items"]
    assert told_by[0]["automatic"] is True
    assert told_by[0]["who"].startswith("Automation (as ")
    assert told_by[1]["who"] == "Bob Seller"
