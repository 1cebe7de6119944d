"""Webhooks both ways and Twilio, against a real server on loopback."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Signer
from standardwebhooks import WebhookVerificationError

from crm.ground import clock, safe_http
from crm.models import ApiToken, Event, InboundCall, InboundHook, Item, Job, Webhook, WebhookDelivery
from crm.webhooks import calls as webhooks


@pytest.fixture
def webhook(world, outside):
    made = Webhook.objects.create(name="ERP", url=outside.url, owner=world.bob, kinds=["stage.entered", "comment."])
    webhooks.forget_subscriptions()
    yield made
    webhooks.forget_subscriptions()


# ---------------------------------------------------------------------- where we never call


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",  # not HTTPS
        "https://example.com:22/",
        "ftp://example.com/",
        "https://user:password@example.com/",
        "https:///nothing",
        "javascript:alert(1)",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://１２７.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://192.168.1.1:8443/",
        "https://172.16.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://168.63.129.16/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://224.0.0.1/",
    ],
)
def test_addresses_inside_and_other_protocols_are_never_called(outside, url):
    with pytest.raises(safe_http.Unsafe):
        safe_http.post(url, b"{}", {})
    assert outside.calls == []


def test_a_name_that_resolves_to_loopback_is_refused(outside, settings):
    settings.SAFE_HTTP_HOSTS = []
    with pytest.raises(safe_http.Unsafe, match="443"):
        safe_http.post(outside.url, b"{}", {})
    with pytest.raises(safe_http.Unsafe, match="private network"):
        safe_http.post("https://localhost:8443/", b"{}", {})
    assert outside.calls == []


def test_a_redirect_is_not_followed_and_a_large_answer_is_cut(outside):
    outside.answer = (302, b"", {"Location": "http://127.0.0.1:1/"}, 0)
    assert safe_http.post(outside.url, b"{}", {}).status == 302
    outside.answer = (200, b"x" * 400_000, {}, 0)
    assert len(safe_http.post(outside.url, b"{}", {}).text) == 256 * 1024
    assert len(outside.calls) == 2


# ---------------------------------------------------------------------- out


def test_an_event_is_told_signed_by_standard_webhooks(world, webhook, outside, drain):
    item = world.deal()
    world.move(item, "talk")
    drain()
    [call] = outside.calls
    headers = {name.lower(): value for name, value in call["headers"].items()}
    body = Signer(webhook.open_secret()).verify(call["body"], headers)
    assert (body["type"], body["data"]["item"], body["data"]["payload"]["to_name"]) == (
        "stage.entered",
        item.pk,
        "Talk",
    )
    with pytest.raises(WebhookVerificationError):
        Signer(webhook.open_secret()).verify(call["body"] + b" ", headers)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.http_status) == ("delivered", 200)


def test_a_webhook_hears_only_of_items_its_owner_sees(world, webhook, outside, drain):
    webhook.owner = world.charlie
    webhook.save()
    webhooks.forget_subscriptions()
    world.move(world.deal(), "talk")
    drain()
    assert outside.calls == []


def test_a_server_in_trouble_is_tried_again_with_the_same_id_and_a_refusal_is_final(
    world, now, webhook, outside, drain
):
    outside.answer = (503, b"busy", {"Retry-After": "120"}, 0)
    world.move(world.deal(), "talk")
    drain()
    assert Job.objects.get(kind="deliver_webhook").due_at >= now + timedelta(seconds=120)
    outside.answer = (200, b"{}", {}, 0)
    with clock.at(now + timedelta(minutes=10)):
        drain()
    ids = {{k.lower(): v for k, v in call["headers"].items()}["webhook-id"] for call in outside.calls}
    assert (len(outside.calls), len(ids)) == (2, 1)
    outside.answer = (410, b"gone", {}, 0)
    world.move(world.deal(), "talk")
    drain()
    failed = WebhookDelivery.objects.order_by("-pk")[0]
    assert failed.status == "failed"
    assert "410" in failed.error


def test_a_delivery_is_sent_again_when_a_person_asks(world, webhook, outside, drain, client):
    outside.answer = (400, b"no", {}, 0)
    world.move(world.deal(), "talk")
    drain()
    outside.answer = (200, b"{}", {}, 0)
    client.force_login(world.alice)
    delivery = WebhookDelivery.objects.get()
    url = "/admin/crm/webhookdelivery/"
    client.post(url, {"action": "redeliver", "_selected_action": delivery.pk})
    drain()
    delivery.refresh_from_db()
    assert (delivery.status, len(outside.calls)) == ("delivered", 2)


def test_the_administration_refuses_addresses_inside(world, client):
    client.force_login(world.alice)
    data = {
        "name": "X",
        "url": "http://127.0.0.1/",
        "kinds": "stage.entered",
        "owner": world.alice.pk,
        "is_active": "on",
    }
    page = client.post("/admin/crm/webhook/add/", data)
    assert "Only https://" in page.content.decode()
    assert not Webhook.objects.exists()


def test_a_secret_is_shown_when_it_is_made_and_never_again(world, client, webhook):
    client.force_login(world.alice)
    data = {"name": "ERP 2", "url": webhook.url, "kinds": "stage.entered\nemail.", "owner": world.alice.pk}
    page = client.post("/admin/crm/webhook/add/", data | {"_continue": "1"}, follow=True).content.decode()
    made = Webhook.objects.get(name="ERP 2")
    assert made.kinds == ["stage.entered", "email."]
    assert made.open_secret() in page.replace("&#x2F;", "/").replace("&#x3D;", "=")
    again = client.get(f"/admin/crm/webhook/{made.pk}/change/").content.decode()
    assert made.open_secret() not in again


def test_a_rule_calls_a_webhook_and_later_rules_read_its_answer(world, now, webhook, outside, drain):
    webhook.kinds = []
    webhook.save()
    webhooks.forget_subscriptions()
    outside.answer = (200, json.dumps({"credit": 5000}).encode(), {}, 0)
    world.rule("talk", "call_webhook", {"webhook": webhook.pk, "body": '{"deal": "{{ item.title }}"}'}, key="erp")
    world.rule("talk", settings={"text": "credit {{ rules.erp.answer.credit }}"}, after_previous="done")
    item = world.deal("Stół")
    world.move(item, "talk")
    drain()
    assert json.loads(outside.calls[0]["body"]) == {"deal": "Stół"}
    assert [run.status for run in world.runs(item)] == ["done", "done"], [run.error for run in world.runs(item)]
    assert world.comments(item) == ["credit 5000"]


def test_a_rule_whose_webhook_is_gone_or_whose_body_is_no_json_says_so(world, webhook, drain):
    world.rule("talk", "call_webhook", {"webhook": webhook.pk, "body": "{{ item.title }}"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert "not JSON" in world.runs(item)[0].error
    Webhook.objects.all().delete()
    other = world.deal()
    world.move(other, "talk")
    drain()
    assert world.runs(other)[0].status == "failed"


# ---------------------------------------------------------------------- in


@pytest.fixture
def hook(world):
    return InboundHook.objects.create(name="Shop", path="data.deal")


def call(client, hook, body, **headers):
    text = body if isinstance(body, str) else json.dumps(body)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/hooks/{hook.token}/", text, content_type="application/json", headers=names)


def test_a_call_from_outside_moves_the_card_that_it_names(world, hook, client, drain):
    world.trigger("talk", "webhook_received", {"hook": hook.pk, "path": "data.status", "value": "ready"})
    item, other = world.deal(), world.deal()
    assert call(client, hook, {"data": {"deal": item.pk, "status": "ready"}}).status_code == 202
    assert call(client, hook, {"data": {"deal": other.pk, "status": "waiting"}}).status_code == 202
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["talk"]
    assert Item.objects.get(pk=other.pk).stage == world.stages["new"]


def test_the_same_call_again_has_one_effect(world, hook, client, drain):
    item = world.deal()
    for _ in range(3):
        call(client, hook, {"data": {"deal": item.pk}}, webhook_id="m1")
    call(client, hook, {"data": {"deal": item.pk, "again": True}}, webhook_id="m1")
    drain()
    assert Event.objects.filter(kind="webhook.received").count() == 1


@pytest.mark.parametrize(
    ("find_by", "value"), [("phone", "+84 912 345 678"), ("email", "HANG@example.com"), ("external_id", "A-7")]
)
def test_the_item_is_found_by_what_the_other_side_knows(world, hook, client, drain, find_by, value):
    item = world.deal(external_id="A-7")
    InboundHook.objects.update(find_by=find_by, path="who")
    call(client, hook, {"who": value})
    drain()
    assert InboundCall.objects.get().item == item


def test_a_call_that_names_nothing_is_kept_with_its_reason(world, hook, client, drain):
    call(client, hook, {"data": {"deal": 999999}})
    drain()
    assert "No item was found" in InboundCall.objects.get().result


def test_forged_old_and_unsigned_calls_are_refused(world, hook, client):
    InboundHook.objects.update(must_sign=True)
    body = json.dumps({"data": {"deal": 1}})

    def signed(secret, when, text=body):
        return {
            "webhook_id": "m1",
            "webhook_timestamp": str(int(when.timestamp())),
            "webhook_signature": Signer(secret).sign("m1", when, text),
        }

    now = datetime.now(UTC)
    foreign = "whsec_" + base64.b64encode(b"x" * 32).decode()
    assert call(client, hook, body).status_code == 401
    assert call(client, hook, body, **signed(foreign, now)).status_code == 401
    assert call(client, hook, body, **signed(hook.open_secret(), now - timedelta(hours=1))).status_code == 401
    assert call(client, hook, body, **signed(hook.open_secret(), now + timedelta(hours=1))).status_code == 401
    assert call(client, hook, body, **signed(hook.open_secret(), now, body + " ")).status_code == 401
    assert call(client, hook, body, **signed(hook.open_secret(), now)).status_code == 202
    InboundHook.objects.update(secret="")
    assert call(client, hook, body, **signed(foreign, now)).status_code == 503
    assert InboundCall.objects.count() == 1


def test_unknown_addresses_wrong_bodies_and_large_ones_are_refused(world, hook, client):
    assert client.post("/hooks/nothing/", "{}", content_type="application/json").status_code == 404
    assert client.get(f"/hooks/{hook.token}/").status_code == 405
    assert call(client, hook, "not json").status_code == 400
    assert call(client, hook, json.dumps("x" * 300_000)).status_code == 413
    InboundHook.objects.update(is_active=False)
    assert call(client, hook, {}).status_code == 404


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a": NaN}', '{"a": "\\u0000"}', '{"a": "\\ud800"}'])
def test_json_that_no_database_keeps_is_400(world, hook, client, body):
    assert call(client, hook, body).status_code == 400
    assert not InboundCall.objects.exists()


def test_a_server_that_drips_is_given_up_in_time(outside, monkeypatch):
    monkeypatch.setattr(safe_http, "WHOLE", 0.3)
    monkeypatch.setattr(safe_http, "CONNECT", 0.2)
    outside.answer = (200, b"{}", {}, 3)
    with pytest.raises(safe_http.Unanswered):
        safe_http.post(outside.url, b"{}", {})


def test_what_tells_of_a_move_waits_out_its_window_and_dies_with_an_undo(world, now, webhook, outside, drain):
    from crm.items.models import undo

    visit = world.move(world.deal(), "talk", undoable=True).visit
    drain()
    assert outside.calls == []
    undo.undo(visit, by=world.bob)
    with clock.at(now + timedelta(minutes=1)):
        drain()
    assert outside.calls == []
    assert WebhookDelivery.objects.get().status == "cancelled"


def test_a_deletion_is_told_like_any_other_event(world, webhook, outside, drain):
    Webhook.objects.update(kinds=["item."])
    webhooks.forget_subscriptions()
    item = world.deal()
    item.delete_softly(by=world.bob)
    drain()
    assert [json.loads(call["body"])["type"] for call in outside.calls] == ["item.created", "item.deleted"]


def test_calls_and_changes_of_owner_move_cards(world, drain, client):
    from crm.events.record import record

    world.trigger("talk", "call_missed")
    world.trigger("papers", "owner_changed", {"to": world.alice.pk})
    item = world.deal()
    record("call.missed", item=item, payload={"direction": "in", "number": "+84912345678"})
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["talk"]
    Item.objects.get(pk=item.pk).change({"owner": world.alice}, by=world.bob)
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["papers"]


# ---------------------------------------------------------------------- webhooks by the API


def _call(client, method, url, text, data=None):
    return getattr(client, method)(
        f"/api/v1{url}", data, content_type="application/json", headers={"Authorization": f"Bearer {text}"}
    )


def test_a_program_makes_changes_and_deletes_its_webhook(world, client):
    _row, text = ApiToken.make(world.bob, "hooks", ["read", "webhooks"])
    made = _call(
        client, "post", "/webhooks", text, {"name": "ERP", "url": "https://erp.example.com/in", "kinds": ["stage."]}
    )
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    pk = made.json()["id"]
    assert "secret" not in _call(client, "get", f"/webhooks/{pk}", text).json()
    assert _call(client, "patch", f"/webhooks/{pk}", text, {"is_active": False}).json()["is_active"] is False
    assert _call(client, "get", f"/webhooks/{pk}/deliveries", text).json()["items"] == []
    assert _call(client, "delete", f"/webhooks/{pk}", text).status_code == 204
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://[64:ff9b::7f00:1]/", "https://0177.0.0.1/"]
)
def test_an_address_inside_our_network_is_refused_by_field(world, client, url):
    _row, text = ApiToken.make(world.bob, "hooks", ["webhooks"])
    answer = _call(client, "post", "/webhooks", text, {"name": "x", "url": url})
    assert answer.status_code == 422
    assert "url" in answer.json()["error"]["fields"]


def test_webhooks_of_others_are_not_there_and_a_token_needs_the_scope(world, client):
    theirs = Webhook.objects.create(name="x", url="https://example.com/", owner=world.alice)
    _row, text = ApiToken.make(world.bob, "hooks", ["read", "webhooks"])
    assert _call(client, "get", f"/webhooks/{theirs.pk}", text).status_code == 404
    assert _call(client, "delete", f"/webhooks/{theirs.pk}", text).status_code == 404
    _row, text = ApiToken.make(world.bob, "read", ["read", "write"])
    assert _call(client, "post", "/webhooks", text, {"name": "x", "url": "https://example.com/"}).status_code == 403
