"""What an attacker with cards and customers of his own tried, and strangers with a customer's address."""

from __future__ import annotations

import pytest

from crm.items import customer_rights
from crm.items.models.gate import MoveOptions
from crm.messages import receiving
from crm.models import Contact, Item, MailTemplate, Message, Notification, Refusal, Role, User, WebForm
from crm.pipelines.rights import Scope
from documents import making
from tests.crm.test_customer_rights import give, house  # noqa: F401
from tests.crm.test_forms import GOOD, form, send  # noqa: F401
from tests.crm.test_imports import bob, bring  # noqa: F401
from tests.crm.test_rights import send as call

pytestmark = pytest.mark.django_db
NUMBER = "+48601234567"


@pytest.fixture
def hidden(world, house, client):  # noqa: F811
    """Jan's card with the address of Bob's customer, and Jan logged in."""
    give(house["jan"], **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    house["contacts"]["team"].add_phone(NUMBER)
    client.force_login(house["jan"])
    client.post(f"/board/{world.pipeline.pk}/new/", {"title": "Mine?", "customer": "x", "email": "team@example.org"})
    return Item.objects.get(title="Mine?")


def test_what_the_customer_writes_does_not_come_to_a_card_that_hides_him(world, house, hidden):  # noqa: F811
    message = receiving.received_sms(world.sms, "SM1", NUMBER, "When?")
    assert (message.contact, message.item) == (house["contacts"]["team"], None)
    open_ = world.deal(contact=house["contacts"]["team"], by=world.alice)
    assert receiving.received_sms(world.sms, "SM2", NUMBER, "When?").item == open_


def test_templates_and_papers_of_a_hidden_customer_are_refused(world, hidden, client):
    template = MailTemplate.objects.create(name="T", subject="s", body="{{ contact.phone }} {{ contact.email }}")
    answer = client.get(f"/items/{hidden.pk}/mail-template/", {"template": template.pk})
    assert answer.status_code == 403
    assert NUMBER not in answer.content.decode()
    from crm.models import Forbidden
    from documents import starter

    with pytest.raises(Forbidden):
        making.make(starter.install("en")["offer"], hidden, by=User.objects.get(name="Jan Kowal"))


def test_a_card_made_of_one_that_hides_its_customer_hides_him_too(world, house, hidden):  # noqa: F811
    child = Item.create(world.pipeline, "Invoice", by=world.alice, contact=hidden.contact, parent=hidden)
    assert child.hides_customer
    mine = Item.create(world.pipeline, "Invoice", by=house["jan"], contact=hidden.contact, parent=hidden)
    assert mine.hides_customer


def test_a_hidden_company_stays_hidden_when_the_contact_is_changed(world, house, hidden, client):  # noqa: F811
    Item.objects.filter(pk=hidden.pk).update(company=house["companies"]["team"])
    hidden.refresh_from_db()
    jan = User.objects.get(pk=house["jan"].pk)
    hidden.change({"contact": house["contacts"]["own"]}, by=jan)
    assert client.get(f"/companies/{house['companies']['team'].pk}/").status_code == 404
    Item.objects.get(pk=hidden.pk).change({"company": None}, by=User.objects.get(pk=jan.pk))
    assert not Item.objects.get(pk=hidden.pk).hides_customer


def test_a_move_that_chooses_another_customer_shows_him_and_undo_hides_the_first(world, house, hidden, client):  # noqa: F811
    own = house["contacts"]["own"]
    jan = User.objects.get(pk=house["jan"].pk)
    moved = hidden.move_to(world.stages["talk"], MoveOptions(by=jan, fields={"contact": own}, undoable=True))
    item = Item.objects.get(pk=hidden.pk)
    assert (item.contact, item.hides_customer) == (own, False)
    client.post("/moves/undo/", {"visit": moved.visit.pk})
    item = Item.objects.get(pk=hidden.pk)
    assert (item.contact, item.hides_customer) == (house["contacts"]["team"], True)


def test_a_form_of_ones_own_shows_no_customer_of_others(world, house, form, client, drain):  # noqa: F811
    give(house["jan"], **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    WebForm.objects.update(owner=house["jan"])
    send(client, **GOOD | {"email": "team@example.org"})
    drain()
    item = Item.objects.get()
    assert (item.contact, item.hides_customer) == (house["contacts"]["team"], True)


def test_nobody_lifts_a_refusal_by_a_contact_of_his_own(world, house, hidden, client):  # noqa: F811
    Role.objects.get(name="Sales people").departments.clear()
    world.role(house["jan"], view=Scope.OWN)
    Role.took_effect()
    secret = world.deal("Secret card", contact=house["contacts"]["team"], by=world.alice)
    message = Message.objects.create(channel=world.sms, to=NUMBER, text="STOP", item=secret, direction="in")
    Refusal.keep("sms", NUMBER, "stop", message=message)
    client.post("/contacts/new/", {"name": "Dummy", "tags": "", "phones": NUMBER, "owner": house["jan"].pk})
    dummy = Contact.objects.get(name="Dummy")
    assert "Secret card" not in client.get(f"/contacts/{dummy.pk}/").content.decode()
    refusal = Refusal.objects.get()
    assert client.post(f"/contacts/{dummy.pk}/lift/{refusal.pk}/", {"why": "so"}).status_code == 403
    assert Refusal.objects.standing().exists()
    assert "Dummy" in Notification.objects.filter(user=world.bob).latest("pk").text, "the owner hears of the sharing"


def test_taking_an_import_back_asks_the_rights_of_today(world, bring, client, drain):  # noqa: F811
    work = bring(
        "name,e-mail,phone\nAnn,ann@example.org,\nNew name,hang@example.com,+48601234568\n", duplicates="update"
    )
    give(world.bob, **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    Contact.objects.update(owner=world.charlie)
    client.force_login(world.bob)
    client.post(f"/import/{work.pk}/step/", {"step": "revert"})
    drain()
    assert set(Contact.objects.values_list("name", flat=True)) == {"Ann", "New name"}
    assert Contact.objects.get(name="New name").phones.count() == 2


def test_an_import_names_no_customer_out_of_sight(world, house, bring):  # noqa: F811
    give(world.bob, **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    work = bring("name,e-mail\nGuess,foreign@example.org\n", only_check=True)
    assert work.rows.get().reason == "Guess"


def test_check_and_import_agree_where_rights_and_owners_differ(world, house, bring):  # noqa: F811
    give(world.bob, **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    rows = "title,contact,e-mail,owner\nOne,New,new@example.org,\nTwo,New,new@example.org,Alice Head\n"
    checked = bring(rows, f"items:{world.pipeline.pk}", only_check=True).counts()
    assert checked == bring(rows, f"items:{world.pipeline.pk}").counts()
    rows = "name,e-mail,owner\nMine,team@example.org,Alice Head\nAgain,team@example.org,\n"
    checked = bring(rows, duplicates="update", only_check=True).counts()
    assert checked == bring(rows, duplicates="update").counts()


def test_the_api_tells_nobody_who_else_has_a_number(world, house, hidden, client):  # noqa: F811
    from crm.models import ApiToken

    _token, secret = ApiToken.make(house["jan"], "t", ["read", "write"])
    asked = {"direction": "in", "number": NUMBER, "answered": True, "item": hidden.pk}
    answer = call(client, secret, "api", "/api/v1/calls", asked)
    assert answer.status_code == 201
    assert "also" not in answer.json()["payload"]


def test_whoever_may_add_no_customers_adds_no_company_by_its_name(world, house, client):  # noqa: F811
    give(house["jan"], view=Scope.OWN, edit=Scope.OWN, add=Scope.NONE)
    client.force_login(house["jan"])
    own = house["contacts"]["own"].pk
    answer = client.post(f"/contacts/{own}/edit/", {"name": "x", "tags": "", "company_name": "New firm"})
    assert answer.status_code == 422
    assert (
        client.post(f"/contacts/{own}/edit/", {"name": "x", "tags": "", "company_name": "Firm of own"}).status_code
        == 302
    )


# ---------------------------------------------------------------------- strangers


def test_a_form_sends_no_older_cards_messages_to_the_sender_in_place_of_the_customer(world, form, client, drain, now):  # noqa: F811
    from tests.crm.test_forms import send as sent

    world.rule("talk", "send_sms", {"text": "Secret", "to_kind": "mobile"})
    victim = Contact.objects.create(name="Jan Żuk")
    victim.add_email("jan@example.com")
    victim.phones.create(number="+48221234568", kind="work")
    old = world.deal("Old", contact=victim)
    sent(client, **GOOD)
    drain()
    fresh = Item.objects.exclude(pk=old.pk).get()
    assert fresh.contact == victim
    world.move(old, "talk")
    world.move(fresh, "talk")
    drain()
    assert Message.objects.filter(item=old, to="+48601234567").count() == 0
    assert Message.objects.filter(item=fresh, to="+48601234567").count() == 1
    phone = victim.phones.get(number="+48601234567")
    assert phone.is_new
    client.force_login(world.alice)
    client.post(f"/contacts/{victim.pk}/address/", {"address": phone.number})
    assert victim.phone("mobile") == phone.number


def test_an_unconfirmed_address_alone_is_told_in_words(world, drain, now):
    victim = Contact.objects.create(name="V")
    victim.add_email("evil@attacker.example", is_new=True)
    rule = world.rule("talk", "send_email", {"subject": "s", "body": "b"})
    item = world.deal(contact=victim)
    world.move(item, "talk")
    drain()
    assert "has to confirm it" in world.run_of(rule, item).error
    assert not Message.objects.exists()


def test_what_a_rule_writes_from_a_card_that_hides_its_customer_tells_no_address(
    world,
    house,  # noqa: F811
    hidden,
    client,
    drain,
    now,
):
    from crm.models import ApiToken, Webhook, WebhookDelivery
    from crm.webhooks import calls as webhooks

    Webhook.objects.create(name="x", url="https://example.com/", kinds=["sms."], owner=house["jan"])
    webhooks.forget_subscriptions()
    world.rule("talk", "send_sms", {"text": "Hello"})
    world.move(hidden, "talk", by=world.alice)
    drain()
    assert Message.objects.get(item=hidden).to == NUMBER
    _token, secret = ApiToken.make(house["jan"], "t", ["read"])
    digits = NUMBER[-9:]
    for url in (
        f"/items/{hidden.pk}/",
        f"/items/{hidden.pk}/timeline/",
        "/outbox/",
        f"/outbox/{Message.objects.get().pk}/",
    ):
        body = client.get(url).content.decode().replace(" ", "")
        assert digits not in body, url
    for url in (f"/api/v1/messages?item={hidden.pk}", f"/api/v1/events?item={hidden.pk}"):
        assert digits not in call(client, secret, "get", url, None).content.decode(), url
    assert not WebhookDelivery.objects.exists()
    client.force_login(world.alice)
    assert digits in client.get(f"/items/{hidden.pk}/").content.decode().replace(" ", "")


def test_calls_forms_runs_and_papers_of_a_hidden_customer_tell_no_address(world, house, hidden, client, drain, now):  # noqa: F811
    from crm.models import ApiToken, Event
    from documents import starter

    world.rule("talk", "send_sms", {"text": "Hello"})
    world.move(hidden, "talk", by=world.alice)
    for kind in ("call.answered", "call.missed"):
        payload = {"number": NUMBER, "direction": "in", "seconds": 5, "note": ""}
        Event.objects.create(kind=kind, item=hidden, contact=hidden.contact, payload=payload)
    answers = {"form_name": "Order", "answers": [["Phone", NUMBER]]}
    Event.objects.create(kind="form.submitted", item=hidden, contact=hidden.contact, payload=answers)
    paper = making.make(starter.install("en")["offer"], hidden, by=world.alice)
    drain()
    _token, secret = ApiToken.make(house["jan"], "t", ["read"])
    digits = NUMBER[-9:]
    for url in ("/api/v1/runs", "/api/v1/calls", "/api/v1/events", "/api/v1/submissions", "/api/v1/documents"):
        body = client.get(url, headers={"Authorization": f"Bearer {secret}"}).content.decode()
        assert digits not in body, url
        assert paper.link() not in body, url
    for url in (f"/items/{hidden.pk}/", f"/items/{hidden.pk}/timeline/"):
        assert digits not in client.get(url).content.decode().replace(" ", ""), url
    assert client.get(f"/documents/{paper.pk}/").status_code == 404
    assert client.get(f"/documents/{paper.pk}/file.pdf").status_code == 404
    client.force_login(world.alice)
    assert client.get(f"/documents/{paper.pk}/").status_code == 200
