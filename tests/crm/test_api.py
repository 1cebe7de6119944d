"""The REST API: the same gate, the same rights, one shape of errors."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crm.api.models import SCOPES
from crm.ground import clock
from crm.models import ApiToken, Company, Contact, CustomField, Event, Item, Message, Submission, Task


class Caller:
    """A program with a token."""

    def __init__(self, client: Any, user: Any, scopes: Any = tuple(SCOPES)) -> None:
        self.client = client
        self.row, self.text = ApiToken.make(user, "test", list(scopes))

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.client.generic(
            method,
            f"/api/v1{path}",
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.text}", **{k.replace("_", "-"): v for k, v in headers.items()}},
        )
        answer.data = json.loads(answer.content) if answer.content else None
        return answer

    def get(self, path: str) -> Any:
        return self("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body or {}, **headers)


@pytest.fixture
def bob(world, client):
    return Caller(client, world.bob)


@pytest.fixture
def charlie(world, client):
    return Caller(client, world.charlie)


# ---------------------------------------------------------------------- who


def test_without_a_valid_token_everything_is_401_in_one_shape(world, client):
    for header in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Bearer dw_aaaaaaaaaaaa_bbbb"}):
        answer = client.get("/api/v1/items", headers=header)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthorised"


@pytest.mark.parametrize("end", ["revoked", "expired", "inactive"])
def test_a_token_ends_with_its_date_its_revocation_and_its_person(world, bob, end):
    assert bob.get("/items").status_code == 200
    if end == "revoked":
        ApiToken.objects.update(revoked_at=clock.now())
    elif end == "expired":
        ApiToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    else:
        world.bob.is_active = False
        world.bob.save()
    assert bob.get("/items").status_code == 401


def test_a_token_is_stored_as_a_hash_only(world, bob):
    secret = bob.text.split("_", 2)[2]
    assert secret not in json.dumps(list(ApiToken.objects.values("prefix", "hash", "name", "scopes")))


def test_a_token_of_another_scope_is_told_which_one_is_missing(world, client):
    reader = Caller(client, world.bob, ["read"])
    item = world.deal()
    answer = reader.post(f"/items/{item.pk}/move", {"stage": world.stages["talk"].pk})
    assert (answer.status_code, answer.data["error"]["code"]) == (403, "scope")
    assert "write" in answer.data["error"]["message"]


def test_a_token_is_made_on_the_command_line(world, capsys, client):
    call_command("token", "bob@example.com", scopes="read")
    text = capsys.readouterr().out.strip()
    assert client.get("/api/v1/items", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    with pytest.raises(CommandError, match="unknown scope"):
        call_command("token", "bob@example.com", scopes="everything")
    with pytest.raises(CommandError, match="Nobody"):
        call_command("token", "nobody@example.com")


def test_too_many_requests_are_429_with_the_time_to_wait(world, bob, settings):
    settings.API_REQUESTS_A_MINUTE = 3
    answers = [bob.get("/item-types") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200, 429}
    last = next(answer for answer in answers if answer.status_code == 429)
    assert 0 < int(last["Retry-After"]) <= 60


def test_charlie_meets_404_and_empty_lists_everywhere(world, charlie, drain):
    world.rule("new")
    item = world.deal()
    drain()
    task = Task.add(item=item, title="Call")
    run = world.runs(item)[0]
    company = Company.objects.create(name="Dom")
    for path in ("/items", "/events", "/contacts", "/companies", "/tasks", "/messages", "/runs", "/rules", "/calls"):
        assert charlie.get(path).data["items"] == [], path
    for path in ("/pipelines", "/stages", "/forms"):
        assert charlie.get(path).data == [], path
    for method, path in (
        ("GET", f"/items/{item.pk}"),
        ("PATCH", f"/items/{item.pk}"),
        ("DELETE", f"/items/{item.pk}"),
        ("GET", f"/contacts/{world.contact.pk}"),
        ("PATCH", f"/contacts/{world.contact.pk}"),
        ("GET", f"/companies/{company.pk}"),
        ("PATCH", f"/companies/{company.pk}"),
        ("GET", f"/runs/{run.pk}"),
        ("POST", f"/runs/{run.pk}/again"),
    ):
        assert charlie(method, path, {}).status_code == 404, path
    assert charlie.post(f"/items/{item.pk}/move", {"stage": world.stages["talk"].pk}).status_code == 404
    assert charlie("PATCH", f"/tasks/{task.pk}", {"status": "done"}).status_code == 404
    assert charlie.post("/tasks", {"item": item.pk, "title": "x"}).status_code == 422
    assert charlie.post("/contacts", {"name": "x"}).status_code == 404
    item.delete_softly(by=world.bob)
    assert charlie.post(f"/items/{item.pk}/restore").status_code == 410


# ---------------------------------------------------------------------- items


def test_an_item_is_added_changed_moved_deleted_and_restored(world, bob, drain):
    CustomField.objects.create(target="item", key="wood", label="Wood", type="list", options="oak\nash")
    world.rule("new")
    body = {"pipeline": world.pipeline.pk, "title": "Stół", "amount": "1200.50", "contact": world.contact.pk}
    made = bob.post("/items", body | {"custom": {"wood": "oak"}})
    assert made.status_code == 201, made.data
    pk = made.data["id"]
    assert (made.data["amount"], made.data["currency"], made.data["custom"]) == ("1200.50", "PLN", {"wood": "oak"})
    drain()
    assert world.comments(Item.objects.get(pk=pk)) == ["hello"]  # the rules of its stage start
    changed = bob("PATCH", f"/items/{pk}", {"amount": None, "source": "fair", "version": 1})
    assert (changed.status_code, changed.data["amount"], changed.data["source"]) == (200, None, "fair")
    moved = bob.post(f"/items/{pk}/move", {"stage": world.stages["talk"].pk, "version": changed.data["version"]})
    assert moved.data["stage"] == world.stages["talk"].pk
    assert Item.objects.get(pk=pk).visit.undo_until is None
    assert bob("DELETE", f"/items/{pk}").status_code == 204
    assert bob.get(f"/items/{pk}").status_code == 404
    assert bob.post(f"/items/{pk}/restore").data["stage"] == world.stages["talk"].pk


def test_the_gate_answers_as_it_does_on_the_board(world, bob):
    item = world.deal()
    stale = bob.post(f"/items/{item.pk}/move", {"stage": world.stages["talk"].pk, "version": 99})
    assert (stale.status_code, stale.data["error"]["code"], stale.data["error"]["version"]) == (409, "stale", 1)
    world.stages["talk"].needed_to_enter = ["amount"]
    world.stages["talk"].save()
    needs = bob.post(f"/items/{item.pk}/move", {"stage": world.stages["talk"].pk})
    assert (needs.status_code, needs.data["error"]["code"]) == (422, "needs_input")
    assert list(needs.data["error"]["fields"]) == ["amount"]
    body = {"stage": world.stages["talk"].pk, "fields": {"amount": "5"}}
    assert bob.post(f"/items/{item.pk}/move", body).data["amount"] == "5.00"
    assert bob.post(f"/items/{item.pk}/move", {"stage": 987654}).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"amount": "a lot"}, "amount"),
        ({"owner": 999999}, "owner"),
        ({"contact": -1}, "contact"),
        ({"currency": "zł"}, "currency"),
        ({"probability": 101}, "probability"),
        ({"custom": {"nothing": 1}}, "custom.nothing"),
        ({"stage": 1}, "stage"),
    ],
)
def test_bad_values_are_refused_by_field_and_nothing_changes(world, bob, body, field):
    item = world.deal()
    answer = bob("PATCH", f"/items/{item.pk}", body)
    assert answer.status_code == 422
    assert field in answer.data["error"]["fields"], answer.data
    assert Item.objects.get(pk=item.pk).version == item.version


def test_unknown_filters_and_foreign_cursors_are_400_and_named(world, bob):
    for path, name in (("/items?colour=red", "colour"), ("/tasks?owner=1", "owner"), ("/items?cursor=abc", "cursor")):
        answer = bob.get(path)
        assert (answer.status_code, list(answer.data["error"]["fields"])) == (400, [name])


def test_a_list_goes_on_where_it_stopped_although_rows_are_added(world, bob):
    made = [world.deal(f"Deal {n}").pk for n in range(5)]
    first = bob.get("/items?limit=2").data
    world.deal("In between")
    second = bob.get(f"/items?limit=2&cursor={first['next']}").data
    third = bob.get(f"/items?limit=2&cursor={second['next']}").data
    assert [row["id"] for page in (first, second, third) for row in page["items"]] == made[::-1]
    assert third["next"] is None


def test_items_are_filtered_as_on_the_board(world, bob):
    world.deal("Łóżko", owner=world.alice)
    world.deal("Szafa")
    assert [row["title"] for row in bob.get("/items?q=lozko").data["items"]] == ["Łóżko"]
    assert [row["title"] for row in bob.get("/items?owner=me").data["items"]] == ["Szafa"]
    assert bob.get(f"/items?stage={world.stages['talk'].pk}").data["items"] == []


# ---------------------------------------------------------------------- twice


def test_the_same_key_has_one_effect_and_one_answer(world, bob):
    body = {"pipeline": world.pipeline.pk, "title": "Once"}
    first = bob.post("/items", body, Idempotency_Key="k1")
    again = bob.post("/items", body, Idempotency_Key="k1")
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert Item.objects.count() == 1
    other = bob.post("/items", body | {"title": "Other"}, Idempotency_Key="k1")
    assert (other.status_code, other.data["error"]["code"]) == (422, "key_reused")


def test_a_refused_request_may_be_sent_again_with_its_key(world, bob):
    item = world.deal()
    world.stages["talk"].needed_to_enter = ["amount"]
    world.stages["talk"].save()
    body = {"stage": world.stages["talk"].pk}
    assert bob.post(f"/items/{item.pk}/move", body, Idempotency_Key="k").status_code == 422
    Item.objects.get().change({"amount": 5})
    assert bob.post(f"/items/{item.pk}/move", body, Idempotency_Key="k").status_code == 200
    assert bob.post(f"/items/{item.pk}/move", body, Idempotency_Key="k").status_code == 200
    assert Event.objects.filter(kind="stage.entered").count() == 1


# ---------------------------------------------------------------------- people, tasks, messages, calls


def test_contacts_and_companies_are_added_and_changed(world, bob):
    made = bob.post("/contacts", {"name": "Żaneta", "phones": ["601 234 567"], "company": "Dom", "tags": ["VIP"]})
    assert made.status_code == 201, made.data
    assert (made.data["phones"], made.data["tags"]) == (["+48601234567"], ["VIP"])
    pk = made.data["id"]
    changed = bob("PATCH", f"/contacts/{pk}", {"emails": ["z@example.com"]})
    assert (changed.data["emails"], changed.data["phones"]) == (["z@example.com"], ["+48601234567"])
    assert Contact.objects.get(pk=pk).company.name == "Dom"
    bad = bob("PATCH", f"/contacts/{pk}", {"phones": ["12"]})
    assert (bad.status_code, list(bad.data["error"]["fields"])) == (422, ["phones"])
    company = bob.get("/companies").data["items"][0]
    assert bob("PATCH", f"/companies/{company['id']}", {"tax_number": "PL1"}).data["tax_number"] == "PL1"
    assert bob.post("/companies", {"name": "Chata"}).status_code == 201


def test_tasks_messages_and_calls(world, bob, drain):
    item = world.deal()
    task = bob.post("/tasks", {"item": item.pk, "title": "Ring", "kind": "call", "deadline": "2030-01-01T10:00:00Z"})
    assert task.status_code == 201, task.data
    assert bob("PATCH", f"/tasks/{task.data['id']}", {"status": "done"}).data["status"] == "done"
    sent = bob.post("/messages", {"item": item.pk, "medium": "sms", "text": "Xin chào"})
    assert sent.status_code == 201, sent.data
    drain()
    assert bob.get(f"/messages?item={item.pk}").data["items"][0]["status"] == "sent"
    world.contact.no_sms = True
    world.contact.save()
    refused = bob.post("/messages", {"item": item.pk, "medium": "sms", "text": "again"})
    assert (refused.status_code, refused.data["error"]["code"]) == (422, "cannot_send")
    assert Message.objects.count() == 1
    body = {"direction": "in", "number": "+84912345678", "answered": False, "id": "pbx-1"}
    calls = [bob.post("/calls", body) for _ in range(2)]
    assert [call.status_code for call in calls] == [201, 201]
    assert calls[0].data["id"] == calls[1].data["id"]  # the telephone system told it twice
    assert calls[0].data["item"] == item.pk
    unknown = bob.post("/calls", {"direction": "in", "number": "+48601000000", "answered": True})
    assert unknown.status_code == 422


def test_runs_are_listed_and_controlled(world, bob, drain):
    world.rule("new", timing={"when": "delay", "amount": 1, "unit": "hours"})
    item = world.deal()
    run = bob.get(f"/runs?item={item.pk}&status=planned").data["items"][0]
    assert bob.post(f"/runs/{run['id']}/hold").data["status"] == "held"
    assert bob.post(f"/runs/{run['id']}/now").data["status"] == "planned"
    drain()
    assert bob.get(f"/runs/{run['id']}").data["status"] == "done"
    late = bob.post(f"/runs/{run['id']}/cancel")
    assert (late.status_code, late.data["error"]["code"]) == (409, "not_now")
    assert bob.post(f"/runs/{run['id']}/again").data["id"] != run["id"]
    assert bob.post(f"/runs/{run['id']}/explode").status_code == 422


def test_a_form_is_sent_through_the_api_and_becomes_an_item(world, bob, drain):
    from crm.models import FormField, WebForm

    form = WebForm.objects.create(name="Order", slug="order", pipeline=world.pipeline, language="pl")
    for order, (key, kind, saves, required) in enumerate(
        [("name", "text", "contact.name", True), ("phone", "phone", "contact.phone", True)]
    ):
        FormField.objects.create(
            form=form, key=key, kind=kind, label=key, saves_to=saves, required=required, order=order
        )
    bad = bob.post("/submissions", {"form": form.pk, "answers": {"name": "Ewa", "phone": "1"}})
    assert (bad.status_code, list(bad.data["error"]["fields"])) == (422, ["phone"])
    made = bob.post("/submissions", {"form": form.pk, "answers": {"name": "Ewa", "phone": "601 234 567"}})
    assert made.status_code == 201, made.data
    drain()
    done = bob.get(f"/submissions/{made.data['id']}").data
    assert done["status"] == "done"
    assert bob.get(f"/items/{done['item']}").data["contact"] == done["contact"]
    assert Submission.objects.count() == 1


# ---------------------------------------------------------------------- the document


def test_the_openapi_document_describes_every_operation(world, client):
    document = client.get("/api/v1/openapi.json").json()
    assert len(document["paths"]) >= 25
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), (method, path)
            assert {"401", "404", "422"} <= set(operation["responses"]), (method, path)
            assert operation["security"], (method, path)


def test_the_documentation_page_names_no_third_party(world, client):
    page = client.get("/api/v1/docs").content.decode()
    assert "/api/v1/openapi.json" in page
    assert "https://" not in page


def test_two_telephone_systems_with_the_same_ids_do_not_meet(world, bob, client):
    item = world.deal()
    body = {"direction": "in", "number": "+84912345678", "answered": True, "id": "1001", "item": item.pk}
    first = bob.post("/calls", body)
    alice = Caller(client, world.alice)
    second = alice.post("/calls", body)
    assert first.data["id"] != second.data["id"]


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, "not a date"])
def test_custom_values_of_the_wrong_shape_are_refused_by_field(world, bob, value):
    for target in ("item", "contact"):
        CustomField.objects.create(target=target, key="born", label="Born", type="date")
    item = world.deal()
    answers = [
        bob("PATCH", path, {"custom": {"born": value}})
        for path in (f"/items/{item.pk}", f"/contacts/{world.contact.pk}")
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("custom.born" in answer.data["error"]["fields"] for answer in answers)
    assert bob("PATCH", f"/items/{item.pk}", {"title": "a\0b"}).status_code == 422


def test_a_key_that_was_used_for_another_card_does_not_hide_a_move(world, bob):
    first, second = world.deal(), world.deal()
    key = "k" * 115
    body = {"stage": world.stages["talk"].pk}
    assert bob.post(f"/items/{first.pk}/move", body, Idempotency_Key=key + "1").data["id"] == first.pk
    assert bob.post(f"/items/{second.pk}/move", body, Idempotency_Key=key + "2").data["id"] == second.pk
    assert Item.objects.get(pk=second.pk).stage == world.stages["talk"]
