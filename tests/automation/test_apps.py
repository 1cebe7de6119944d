"""Apps of third parties: installed by the API, called and answered over HTTP, and never more than they were given."""

import json
import time
from datetime import timedelta

import pytest
from standardwebhooks import Webhook as Signer

from automation import catalogue
from automation.base import actions, trigger_types
from automation.engine import control
from automation.listening import types_for
from automation.models import Rule, Run, TriggerFiring
from automation.remote import types
from automation.remote.models import App, AppCall
from crm.customers import erasing
from crm.events.record import event_recorded
from crm.ground import clock
from crm.models import Contact, Event, Item, Job, User
from tests.crm.conftest import outside
from tests.crm.test_api import Caller

__all__ = ["outside"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
MARKUP = "<script>alert(1)</script><b>x</b>"


def manifest(outside, **more):
    sign = {
        "key": "sign",
        "name": {"en": "Ask to sign", "pl": "Poproś o podpis"},
        "help": {"en": "Sends a paper to sign."},
        "synonyms": {"en": "autograph"},
        "address": outside.url,
        "fields": [
            {"key": "text", "name": {"en": "text"}, "required": True},
            {"key": "times", "name": {"en": "times"}, "type": "number"},
            {"key": "fast", "name": {"en": "fast"}, "type": "boolean"},
            {"key": "who", "name": {"en": "who"}, "type": "user"},
            {
                "key": "kind", "name": {"en": "kind"}, "type": "choice",
                "options": [{"value": "a", "name": {"en": "Alpha"}}, {"value": "b", "name": {"en": "Beta"}}],
            },
        ],
        "outputs": [
            {"key": "number", "name": {"en": "number"}},
            {"key": "price", "name": {"en": "price"}, "type": "number"},
            {"key": "good", "name": {"en": "good"}, "type": "boolean"},
        ],
        "minutes": 60,
    }  # fmt: skip
    signed = {
        "key": "signed",
        "name": {"en": "Signed"},
        "fields": [
            {"key": "place", "name": {"en": "place"}},
            {"key": "pages", "name": {"en": "pages"}, "type": "number"},
        ],
    }
    made = {"key": "acme", "name": {"en": "Acme"}, "sends": ["item.title", "contact.phone"]}
    return made | {"actions": [sign | more.pop("action", {})], "triggers": [signed]} | more


class Program:
    """What runs at the other side: it has its token and its secret, and nothing else."""

    def __init__(self, client, made):
        self.client, self.token, self.secret = client, made["token"], made["secret"]

    def post(self, path, body):
        path = path.partition("/api/v1")[2] or path
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers)
        answer.data = json.loads(answer.content) if answer.content else None
        return answer


@pytest.fixture
def admin(world, client):
    return Caller(client, world.alice)


@pytest.fixture
def acme(admin, outside, client):
    answer = admin.post("/apps", manifest(outside))
    assert answer.status_code == 201, answer.data
    return Program(client, answer.data)


def placed(world, **settings):
    return world.rule("talk", "app_acme_sign", {"text": "Hello {{ contact.name }}"} | settings)


def entered(world, drain, **more):
    deal = world.deal(**more)
    world.move(deal, "talk")
    drain()
    return deal, Run.objects.get(rule__action="app_acme_sign")


def says(**body):
    return (200, json.dumps(body).encode(), {}, 0.0)


DONE = {"status": "done", "outputs": {"number": "S-1", "price": "9.50", "good": True}, "summary": "sent"}


# ---------------------------------------------------------------------- an action


def test_it_is_called_signed_and_answers_at_once(world, acme, outside, drain):
    outside.answer = says(**DONE)
    placed(world, times="item.amount", fast="on", who=str(world.bob.pk), kind="b")
    world.rule("talk", settings={"text": "{{ rules.app_acme_sign.number }} {{ rules.app_acme_sign.price }}"},
               after_previous="done", key="after")  # fmt: skip
    Rule.objects.filter(action="app_acme_sign").update(key="app_acme_sign")
    deal, run = entered(world, drain, amount=3)
    (call,) = outside.calls
    Signer(acme.secret).verify(call["body"], {name.lower(): value for name, value in call["headers"].items()})
    body = json.loads(call["body"])
    assert body["settings"] == {
        "text": "Hello Nguyễn Thị Hằng", "times": "3.00", "fast": True, "kind": "b",
        "who": {"id": world.bob.pk, "name": "Bob Seller", "email": "bob@example.com"},
    }  # fmt: skip
    # Of the card what its scope names, and nothing else.
    assert body["item"] == {"id": deal.pk, "item.title": "Oak table", "contact.phone": "+84912345678"}
    assert (run.status, run.outputs) == ("done", {"number": "S-1", "price": "9.50", "good": True})
    assert world.comments(deal) == ["S-1 9.50"]


def test_it_answers_later_by_a_signed_address_once(world, acme, outside, drain):
    outside.answer = (202, b"{}", {}, 0.0)
    placed(world)
    _deal, run = entered(world, drain)
    assert (run.status, run.wait_on[:4]) == ("waiting", "app:")
    address = json.loads(outside.calls[0]["body"])["answer_url"]
    assert acme.post(address, DONE).status_code == 200
    run.refresh_from_db()
    assert (run.status, run.outputs["number"]) == ("done", "S-1")
    again = acme.post(address, DONE | {"outputs": {"number": "S-2"}})
    assert (again.status_code, again.data["error"]["code"]) == (422, "refused")
    run.refresh_from_db()
    assert run.outputs["number"] == "S-1"


def test_an_answer_that_comes_before_its_202_counts(world, acme, outside, drain, now):
    """The program may be faster than its own server says "later"; here the call itself still waits for the undo."""
    outside.answer = (202, b"{}", {}, 0.0)
    placed(world)
    world.move(world.deal(), "talk", undoable=True)
    drain()
    run = Run.objects.get(rule__action="app_acme_sign")
    assert (run.wait_on[:4], outside.calls) == ("job:", [])
    assert acme.post(AppCall.objects.get().answer_url(), DONE).status_code == 200
    with clock.at(now + timedelta(minutes=5)):
        drain()
    run.refresh_from_db()
    assert (run.status, run.outputs["number"]) == ("done", "S-1")


def test_an_answer_that_came_although_the_reply_was_lost_counts_and_nothing_is_asked_again(
    world, acme, outside, drain, now
):
    outside.answer = (500, b"", {}, 0.0)
    placed(world)
    _deal, run = entered(world, drain)
    assert (run.wait_on[:4], len(outside.calls)) == ("job:", 1)
    assert acme.post(AppCall.objects.get().answer_url(), DONE).status_code == 200
    run.refresh_from_db()
    assert (run.status, run.outputs["number"]) == ("done", "S-1")
    with clock.at(now + timedelta(hours=1)):
        drain()
    assert len(outside.calls) == 1
    assert not Job.objects.filter(kind="app", finished_at=None).exists()


def test_an_answer_to_a_run_that_stands_still_is_kept_until_it_goes_on(world, acme, outside, drain, now):
    outside.answer = (202, b"{}", {}, 0.0)
    rule = placed(world)
    _deal, run = entered(world, drain)
    User.objects.filter(pk=rule.publisher_id).update(is_active=False)
    assert acme.post(AppCall.objects.get().answer_url(), DONE).status_code == 200
    run.refresh_from_db()
    assert run.status == "held"
    User.objects.filter(pk=rule.publisher_id).update(is_active=True)
    with clock.at(now + timedelta(hours=3)):  # long after the deadline
        control.release(run, world.alice)
        drain()
    run.refresh_from_db()
    assert (run.status, run.outputs["number"]) == ("done", "S-1")


def test_another_app_answers_nothing(world, acme, admin, outside, drain, client):
    outside.answer = (202, b"{}", {}, 0.0)
    other = Program(client, admin.post("/apps", manifest(outside, key="other")).data)
    placed(world)
    _deal, run = entered(world, drain)
    address = json.loads(outside.calls[0]["body"])["answer_url"]
    assert other.post(address, DONE).status_code == 422
    forged = address.rpartition(":")[0] + ":forged"
    assert acme.post(forged, DONE).status_code == 422
    assert Program(client, {"token": "dwa_acme_x", "secret": ""}).post(address, DONE).status_code == 401
    assert Caller(client, world.alice).post("/app/answers/1:x", DONE).status_code == 401
    assert Run.objects.get(pk=run.pk).status == "waiting"
    # An app's token opens nothing else.
    for path in ("/items", "/apps", "/rules"):
        assert client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {acme.token}"}).status_code == 401


def test_an_answer_after_its_deadline_is_refused_and_the_run_says_why(world, acme, outside, drain, now):
    outside.answer = (202, b"{}", {}, 0.0)
    placed(world)
    _deal, run = entered(world, drain)
    address = json.loads(outside.calls[0]["body"])["answer_url"]
    with clock.at(now + timedelta(minutes=61)):
        assert acme.post(address, DONE).status_code == 422
        drain()
        run.refresh_from_db()
        assert (run.status, run.error) == ("failed", "The app “Acme” did not answer in time.")
        assert acme.post(address, DONE).status_code == 422


def test_leaving_the_stage_ends_the_wait(world, acme, outside, drain):
    outside.answer = (202, b"{}", {}, 0.0)
    placed(world)
    deal, run = entered(world, drain)
    world.move(deal, "papers")
    drain()
    assert Run.objects.get(pk=run.pk).status == "cancelled"
    assert acme.post(json.loads(outside.calls[0]["body"])["answer_url"], DONE).status_code == 422


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, b"x" * 2 * 1024 * 1024, {}, 0.0), "longer than 256 KiB"),
        ((200, b"hello", {}, 0.0), "no JSON"),
        ((200, b"[1]", {}, 0.0), "done"),
        ((200, b'{"status": "done", "outputs": {"number": "a\\u0000b"}}', {}, 0.0), "no JSON"),
        (says(status="done", outputs={"secret": "x"}), "never declared the output “secret”"),
        (says(status="done", outputs={"price": "a lot"}), "“price” is no number"),
        (says(status="done", outputs={"price": "1e999"}), "“price” is no number"),
        (says(status="done", outputs={"good": "yes"}), "“good” is no boolean"),
        (says(status="done", outputs={"number": "x" * 6000}), "too long"),
        (says(status="failed", reason="No ink."), "Acme: No ink."),
        ((404, b"gone", {}, 0.0), "404"),
        ((302, b"", {"Location": "http://169.254.169.254/"}, 0.0), "302"),
    ],
)
def test_what_an_app_answers_wrongly_fails_its_run_readably(world, acme, outside, drain, answer, words):
    outside.answer = answer
    placed(world)
    neighbour = world.rule("talk", settings={"text": "unharmed"})
    deal, run = entered(world, drain)
    assert run.status == "failed"
    assert words in run.error
    assert world.comments(deal) == ["unharmed"]
    assert Run.objects.get(rule=neighbour).status == "done"


def test_a_late_answer_of_two_mebibytes_or_nonsense_is_refused_and_may_be_sent_anew(world, acme, outside, drain):
    outside.answer = (202, b"{}", {}, 0.0)
    placed(world)
    _deal, run = entered(world, drain)
    address = json.loads(outside.calls[0]["body"])["answer_url"]
    assert acme.post(address, {"status": "done", "summary": "x" * 2 * 1024 * 1024}).status_code in (400, 413)
    answer = acme.post(address, {"status": "done", "outputs": {"price": "a lot"}})
    assert answer.status_code == 422
    assert "outputs.price" in answer.data["error"]["fields"]
    assert Run.objects.get(pk=run.pk).status == "waiting"
    assert acme.post(address, DONE).status_code == 200


def test_its_address_is_judged_at_each_call(world, acme, outside, drain, settings):
    placed(world)
    settings.SAFE_HTTP_HOSTS = []
    _deal, run = entered(world, drain)
    assert run.status == "failed"
    assert outside.calls == []


def test_a_server_in_trouble_is_asked_again_with_the_same_id(world, acme, outside, drain, now):
    outside.answer = (503, b"", {}, 0.0)
    placed(world)
    _deal, run = entered(world, drain)
    outside.answer = says(**DONE)
    with clock.at(now + timedelta(hours=1)):
        drain()
    assert Run.objects.get(pk=run.pk).status == "done"
    assert len({call["headers"]["webhook-id"] for call in outside.calls}) == 1


# ---------------------------------------------------------------------- being there, changing, going


def test_it_stands_in_the_catalogue_with_its_name(world, acme, client):
    found = catalogue.search("autograph")
    assert [(entry.key, entry.app) for entry in found] == [("app_acme_sign", "Acme")]
    client.force_login(world.alice)
    page = client.get(f"/board/{world.pipeline.pk}/rules/?q=acme&group=apps").content.decode()
    assert "Ask to sign" in page
    assert page.count("Acme") >= 2
    form = client.get(f"/admin/automation/rule/add/?kind=app_acme_sign&stage={world.stages['talk'].pk}")
    assert "Alpha" in form.content.decode()


def test_every_process_knows_a_change_within_two_seconds(world, acme, admin, outside):
    """Another process has read them just before: what it holds is two seconds old at most."""
    assert actions.get("app_acme_sign") is not None
    held = types.known()
    admin("PUT", "/apps/acme", {k: v for k, v in manifest(outside, actions=[]).items() if k != "key"})
    types._known = (time.monotonic(), held)  # as the other one still sees it
    assert not actions.get("app_acme_sign").is_gone
    types._known = (time.monotonic() - types.LEARN_SECONDS - 0.1, held)
    assert actions.get("app_acme_sign").is_gone
    assert "app_acme_sign" not in [one.key for one in actions]


def test_a_removed_apps_rules_fail_with_its_name_and_the_card_keeps_its_history(
    world, acme, admin, outside, drain, client
):
    outside.answer = says(**DONE)
    placed(world)
    deal, run = entered(world, drain)
    assert admin("DELETE", "/apps/acme").status_code == 204
    other = world.deal("Chair")
    world.move(other, "talk")
    drain()
    late = Run.objects.get(item=other)
    assert (late.status, late.error) == ("failed", "The app “Acme” was removed.")
    assert Run.objects.get(pk=run.pk).outputs["number"] == "S-1"
    assert acme.post("/app/triggers/signed", {"item": "1", "key": "k"}).status_code == 401
    client.force_login(world.bob)
    assert run.rule.name in client.get(f"/items/{deal.pk}/").content.decode()
    # It may come back, with another token.
    assert admin.post("/apps", manifest(outside)).status_code == 201
    assert not actions.get("app_acme_sign").is_gone


def test_who_waits_for_an_app_that_is_removed_learns_so_at_once(world, acme, admin, outside, drain):
    outside.answer = (202, b"{}", {}, 0.0)
    placed(world)
    _deal, run = entered(world, drain)
    admin("DELETE", "/apps/acme")
    drain()
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "The app “Acme” was removed.")
    # Whoever comes back under its key answers nothing that was asked before.
    back = Program(acme.client, admin.post("/apps", manifest(outside)).data)
    assert back.post(json.loads(outside.calls[0]["body"])["answer_url"], DONE).status_code == 422


def test_a_call_that_was_planned_before_the_app_went_is_not_made(world, acme, admin, outside, drain, now):
    placed(world)
    world.move(world.deal(), "talk", undoable=True)
    drain()
    assert Job.objects.filter(kind="call_app", status="planned").exists()
    admin("DELETE", "/apps/acme")
    with clock.at(now + timedelta(minutes=5)):
        drain()
    run = Run.objects.get(rule__action="app_acme_sign")
    assert (run.status, run.error) == ("failed", "The app “Acme” was removed.")
    assert outside.calls == []


def test_only_administrators_install_and_with_a_scope_of_its_own(world, admin, outside, client):
    assert Caller(client, world.bob).post("/apps", manifest(outside)).status_code == 403
    assert Caller(client, world.alice, ["read", "write", "rules"]).post("/apps", manifest(outside)).status_code == 403
    assert admin.post("/apps", manifest(outside)).status_code == 201
    assert admin.post("/apps", manifest(outside)).status_code == 422
    assert Caller(client, world.charlie).get("/apps").status_code == 403
    (listed,) = admin.get("/apps").data
    assert listed["actions"][0]["type"] == "app_acme_sign"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sends": ["item.secret"]}, "sends.0"),
        ({"sends": ["item.profit"]}, "sends.0"),
        ({"sends": ["rules.x.y"]}, "sends.0"),
        ({"sends": ["now }}{{ item.title"]}, "sends.0"),
        ({"action": {"address": "http://127.0.0.1:1/"}}, "actions.0.address"),
        ({"action": {"address": "https://localhost/"}}, "actions.0.address"),
        ({"action": {"icon": "skull"}}, "actions.0.icon"),
        ({"action": {"fields": [{"key": "a", "name": {"en": "a"}, "type": "car"}]}}, "actions.0.fields.0.type"),
        ({"action": {"fields": [{"key": "a", "name": {"en": "a"}, "type": "choice"}]}}, "actions.0.fields.0.options"),
        ({"action": {"outputs": [{"key": "a", "name": {"en": "a"}}] * 2}}, "actions.0.outputs.1.key"),
        ({"action": {"minutes": 0}}, "actions.0.minutes"),
        ({"action": {"name": {}}}, "actions.0.name"),
        ({"action": {"name": {"en": "x" * 81}}}, "actions.0.name.en"),
        ({"action": {"key": "Über"}}, "actions.0.key"),
        ({"key": "with_line"}, "key"),
        ({"triggers": [{"key": "t", "name": {"en": "t"}, "fields": [{"key": "a", "name": {"en": "a"}, "type": "user"}]}]},
         "triggers.0.fields.0.type"),
    ],
)  # fmt: skip
def test_a_manifest_that_could_not_work_is_refused_by_field(admin, outside, change, field):
    answer = admin.post("/apps", manifest(outside, **change))
    assert answer.status_code == 422
    assert any(name == field or name.startswith(f"{field}.") for name in answer.data["error"]["fields"]), answer.data
    assert not App.objects.exists()


def test_its_words_are_text_everywhere(world, admin, outside, client, drain):
    name, field = {"en": MARKUP[:80]}, {"key": "a", "name": {"en": MARKUP[:80]}, "help": {"en": MARKUP}}
    choice = {**field, "key": "b", "type": "choice", "options": [{"value": MARKUP[:80], "name": {"en": MARKUP[:80]}}]}
    action = {"name": name, "help": {"en": MARKUP}, "fields": [field, choice], "outputs": [{"key": "o", "name": name}]}
    made = admin.post("/apps", manifest(outside, name=name, about={"en": MARKUP}, action=action))
    assert made.status_code == 201, made.data
    outside.answer = says(status="done", outputs={"o": MARKUP}, summary="\x1e" + MARKUP)
    world.rule("talk", "app_acme_sign", {"a": "x"})
    world.rule("talk", settings={"text": "after"}, after_previous="any", key="later")
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    client.force_login(world.alice)
    stage = world.stages["talk"].pk
    pages = [
        f"/board/{world.pipeline.pk}/rules/",
        f"/admin/automation/rule/add/?kind=app_acme_sign&stage={stage}",
        f"/admin/automation/rule/{Rule.objects.get(action='app_acme_sign').pk}/change/",
        f"/admin/automation/rule/{Rule.objects.get(key='later').pk}/change/",
        "/admin/automation/rule/",
        "/admin/automation/app/",
        f"/admin/automation/app/{App.objects.get().pk}/change/",
        f"/items/{deal.pk}/",
    ]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert "<script>alert" not in answer.content.decode(), page
        assert "<b>x</b>" not in answer.content.decode(), page


# ---------------------------------------------------------------------- a trigger


def fired(acme, deal, key="k1", **more):
    return acme.post("/app/triggers/signed", {"item": str(deal.pk), "key": key} | more)


def test_a_trigger_moves_the_card_where_its_values_fit(world, acme, drain, client):
    world.trigger("papers", "app_acme_signed", {"place": "Łódź"})
    deal = world.deal()
    assert fired(acme, deal, values={"place": "Gdańsk"}).status_code == 202
    drain()
    assert Item.objects.get(pk=deal.pk).stage == world.stages["new"]
    assert fired(acme, deal, "k2", values={"place": "ŁÓDŹ", "pages": 2}).status_code == 202
    drain()
    assert Item.objects.get(pk=deal.pk).stage == world.stages["papers"]
    client.force_login(world.bob)
    assert "Acme: Signed" in client.get(f"/items/{deal.pk}/").content.decode()


def test_the_same_key_is_the_same_happening(world, acme, drain):
    world.trigger("papers", "app_acme_signed")
    deal = world.deal()
    for _ in range(3):
        fired(acme, deal)
    drain()
    assert Event.objects.filter(kind="app.fired").count() == 1
    assert TriggerFiring.objects.count() == 1


def test_an_app_writes_into_no_history_that_nobody_listens_to_and_learns_of_no_card(world, acme):
    deal = world.deal()
    asked = [fired(acme, deal), acme.post("/app/triggers/signed", {"item": "999999", "key": "x"})]
    asked.append(acme.post("/app/triggers/signed", {"item": "+84912345678", "find_by": "phone", "key": "y"}))
    assert {answer.status_code for answer in asked} == {202}
    assert len({answer.content for answer in asked}) == 1
    assert not Event.objects.filter(kind="app.fired").exists()


def test_a_card_is_found_by_its_customer(world, acme, drain):
    world.trigger("papers", "app_acme_signed")
    deal = world.deal()
    acme.post("/app/triggers/signed", {"item": "hang@example.com", "find_by": "email", "key": "y"})
    drain()
    assert Item.objects.get(pk=deal.pk).stage == world.stages["papers"]


def test_what_a_trigger_never_declared_is_refused(world, acme):
    deal = world.deal()
    assert fired(acme, deal, values={"colour": "red"}).status_code == 422
    assert acme.post("/app/triggers/sold", {"item": "1", "key": "k"}).status_code == 404


def test_a_removed_apps_trigger_moves_nothing(world, acme, admin, drain):
    world.trigger("papers", "app_acme_signed")
    deal = world.deal()
    fired(acme, deal)
    admin("DELETE", "/apps/acme")
    drain()
    assert Item.objects.get(pk=deal.pk).stage == world.stages["new"]
    assert trigger_types.get("app_acme_signed") is not None


def test_an_event_of_ours_costs_no_look_for_apps(world, acme, django_assert_num_queries):
    types.forget()
    with django_assert_num_queries(0):
        types_for("stage.entered")


def test_erasing_a_customer_empties_what_an_app_was_sent(world, acme, outside, drain):
    outside.answer = says(**DONE)
    placed(world)
    entered(world, drain)
    erasing.erase(Contact.objects.get(), by=world.alice, why="asked")
    call = AppCall.objects.get()
    assert (call.body, call.answer) == ("", {})


def test_a_firing_that_fails_half_way_may_be_sent_again(world, acme, drain):
    """The event and what hears of it are one: else the same key would be known, and nothing had happened."""
    deal = world.deal()
    world.trigger("talk", "app_acme_signed", {})

    def breaks(**kwargs):
        raise RuntimeError("a receiver fails")

    event_recorded.connect(breaks, dispatch_uid="breaks")
    try:
        with pytest.raises(RuntimeError):
            fired(acme, deal)
    finally:
        event_recorded.disconnect(dispatch_uid="breaks")
    assert fired(acme, deal).status_code == 202
    drain()
    deal.refresh_from_db()
    assert deal.stage == world.stages["talk"]
