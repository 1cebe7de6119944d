"""Rights to customers: action × scope × whose customer, against every way to do it; what a card gives, and what not."""

from __future__ import annotations

import importlib
from itertools import product
from typing import Any

import pytest
from django.apps import apps

from crm.customers import merging
from crm.items import customer_rights
from crm.models import (
    ApiToken,
    Company,
    Contact,
    CustomerRight,
    Department,
    Event,
    Item,
    Notification,
    Refusal,
    Role,
    User,
    WebForm,
    Webhook,
    WebhookDelivery,
)
from crm.pipelines.rights import Scope
from tests.crm.test_forms import GOOD, form, send  # noqa: F401
from tests.crm.test_imports import bob, bring  # noqa: F401
from tests.crm.test_rights import REACHES, WHOSE
from tests.crm.test_rights import send as call

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(world: Any) -> dict[str, Any]:
    """Jan of the sales and a contact and a company of each owner; nobody has a card."""
    below = Department.objects.create(name="Sales north", parent=world.sales)
    jan = User.objects.create_user("jan@example.com", "pw-jan-long", name="Jan Kowal", department=world.sales)
    north = User.objects.create_user("north@example.com", "pw-north", name="Nina North", department=below)
    owners = {"own": jan, "team": world.bob, "below": north, "foreign": world.charlie, "nobody": None}
    made: dict[str, Any] = {"jan": jan, "contacts": {}, "companies": {}}
    for whose, owner in owners.items():
        contact = Contact.objects.create(name=f"Customer of {whose}", owner=owner)
        contact.add_email(f"{whose}@example.org")
        made["contacts"][whose] = contact
        made["companies"][whose] = Company.objects.create(name=f"Firm of {whose}", owner=owner)
    return made


def give(person: User, **scopes: Scope) -> Role:
    role = Role.objects.create(name=f"Customers {Role.objects.count()}")
    role.people.add(person)
    CustomerRight.objects.create(role=role, **{f"may_{action}": scope for action, scope in scopes.items()})
    return role


def ways(kind: str, record: Any, other: Any) -> dict[str, list[tuple[str, str, Any]]]:
    pk = record.pk
    return {
        "view": [("get", f"/{kind}/{pk}/", None), ("get", f"/api/v1/{kind}/{pk}", None)],
        "edit": [
            ("post", f"/{kind}/{pk}/edit/", {"name": "Changed", "tags": "", "owner": record.owner_id or ""}),
            ("patch", f"/api/v1/{kind}/{pk}", {"name": "Changed by API"}),
        ],
        "merge": [
            ("post", f"/{kind}/{pk}/merge/", {"other": other.pk}),
            ("post", f"/{kind}/{other.pk}/merge/", {"other": pk}),
        ],
        "delete": [("post", f"/{kind}/{pk}/delete/", {}), ("delete", f"/api/v1/{kind}/{pk}", None)],
    }


def state(model: Any) -> list[Any]:
    return list(model.objects.order_by("pk").values_list("pk", "name"))


@pytest.mark.parametrize(
    ("kind", "action", "scope"),
    list(product(("contacts", "companies"), ("view", "edit", "merge", "delete"), Scope)),
)
def test_every_way_to_do_it_asks_the_same_policy(world, house, client, kind, action, scope):
    give(house["jan"], **dict.fromkeys(customer_rights.ACTIONS, Scope.ALL) | {action: scope})
    client.force_login(house["jan"])
    _token, secret = ApiToken.make(house["jan"], "t", ["read", "write"])
    model = Contact if kind == "contacts" else Company
    for whose, place in product(WHOSE, range(2)):
        record = model.objects.create(name=f"X {whose} {place}", owner=house[kind][whose].owner)
        other = model.objects.create(name="Mine", owner=house["jan"])
        method, url, data = ways(kind, record, other)[action][place]
        before = state(model)
        answer = call(client, secret, method, url, data)
        may = whose in REACHES[scope] and (action != "merge" or "own" in REACHES[scope])
        told = f"{action} {scope.label} {whose}: {method} {url} answered {answer.status_code}"
        if action == "view":
            assert (answer.status_code == 200) is may, told
        else:
            assert (state(model) != before) is may, told
            assert may or answer.status_code in (200, 302, 403, 404), told


@pytest.mark.parametrize("scope", list(Scope))
def test_lists_search_suggestions_and_export_show_what_the_scope_reaches(world, house, client, scope):
    give(house["jan"], view=scope, export=Scope.ALL)
    client.force_login(house["jan"])
    _token, secret = ApiToken.make(house["jan"], "t", ["read"])
    urls = ["/contacts/", "/search/?q=customer", "/contacts/suggest/?customer=customer", "/api/v1/contacts"]
    for url in [*urls, "/contacts/export.csv", "/companies/", "/api/v1/companies"]:
        what = "Firm" if "compan" in url else "Customer"
        answer = call(client, secret, "get", url, None)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        shown = {whose for whose in WHOSE if f"{what} of {whose}" in body.decode()}
        assert shown == (REACHES[scope] if answer.status_code == 200 else set()), (url, answer.status_code)
        assert answer.status_code == 200 or ("export" in url and scope == Scope.NONE), url


@pytest.mark.parametrize("scope", list(Scope))
def test_who_adds_for_himself_adds_for_nobody_else(world, house, client, scope):
    give(house["jan"], view=Scope.ALL, add=scope)
    client.force_login(house["jan"])
    for whose in WHOSE:
        owner = house["contacts"][whose].owner
        client.post("/contacts/new/", {"name": f"New {whose}", "tags": "", "owner": owner.pk if owner else ""})
        assert Contact.objects.filter(name=f"New {whose}").exists() is (whose in REACHES[scope]), whose


def test_a_card_gives_sight_of_its_customer_and_nothing_else(world, house, client):
    give(house["jan"], **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    foreign = house["contacts"]["foreign"]
    world.deal("Seen by Jan", contact=foreign, owner=house["jan"], by=world.alice)
    client.force_login(house["jan"])
    page = client.get(f"/contacts/{foreign.pk}/")
    assert page.status_code == 200
    assert "foreign@example.org" in page.content.decode()
    assert ">Save<" not in page.content.decode()
    _token, secret = ApiToken.make(house["jan"], "t", ["read", "write"])
    Refusal.keep("email", "foreign@example.org", Refusal.Reason.ASKED)
    refusal = Refusal.objects.get()
    before = (state(Contact), Refusal.objects.standing().count())
    tries = [
        *ways("contacts", foreign, house["contacts"]["own"])["edit"],
        *ways("contacts", foreign, house["contacts"]["own"])["merge"],
        *ways("contacts", foreign, house["contacts"]["own"])["delete"],
        ("post", f"/contacts/{foreign.pk}/split/", {"name": "x", "emails": ["foreign@example.org"]}),
        ("post", f"/contacts/{foreign.pk}/lift/{refusal.pk}/", {"why": "so"}),
        ("post", f"/contacts/{foreign.pk}/address/", {"address": "foreign@example.org"}),
    ]
    for method, url, data in tries:
        # Who begins with a customer of his own is offered only those that he may merge.
        assert call(client, secret, method, url, data).status_code in (403, 404) or data == {"other": foreign.pk}, url
    assert (state(Contact), Refusal.objects.standing().count()) == before
    export = client.get("/contacts/export.csv")
    assert b"foreign@example.org" not in b"".join(export.streaming_content)


def test_a_known_address_of_an_invisible_customer_links_and_shows_the_name_alone(world, house, client):
    give(house["jan"], **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    team = house["contacts"]["team"]
    team.add_phone("+48601234567")
    client.force_login(house["jan"])
    answer = client.post(
        f"/board/{world.pipeline.pk}/new/",
        {"title": "Mine now?", "customer": "Whoever", "email": "TEAM@example.org", "phone": "+48 601 234 568"},
    )
    assert answer.status_code == 204
    item = Item.objects.get(title="Mine now?")
    assert (item.contact, item.hides_customer, item.contact.owner) == (team, True, world.bob)
    page = client.get(f"/items/{item.pk}/").content.decode()
    assert "Customer of team" in page
    assert "+48 601 234 567" not in page
    assert "team@example.org" in page, "what was typed is shown"
    assert client.get(f"/contacts/{team.pk}/").status_code == 404
    composer = client.get(f"/items/{item.pk}/write/email/").content.decode()
    assert "team@example.org" in composer
    sms = client.get(f"/items/{item.pk}/write/sms/").content.decode()
    assert "+48601234568" in sms
    assert "+48601234567" not in sms
    assert team.phones.count() == 1, "a customer that one may not change is not changed"
    (notice,) = Notification.objects.filter(user=world.bob)
    assert "Customer of team" in notice.text
    _token, secret = ApiToken.make(house["jan"], "t", ["send"])
    asked = {"item": item.pk, "medium": "email", "text": "Hi", "subject": "s"}
    assert call(client, secret, "api", "/api/v1/messages", asked).status_code == 403
    rows = client.get(f"/board/{world.pipeline.pk}/export.csv")
    assert b"+48601234567" not in b"".join(rows.streaming_content)


def test_a_card_is_linked_to_no_customer_out_of_reach_by_its_number(world, house, client):
    give(house["jan"], **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    item = world.deal(contact=None, owner=house["jan"])
    client.force_login(house["jan"])
    _token, secret = ApiToken.make(house["jan"], "t", ["read", "write"])
    foreign = house["contacts"]["foreign"].pk
    for method, url, data in (
        ("post", f"/items/{item.pk}/field/contact/", {"value": foreign, "was": "null"}),
        ("post", f"/items/{item.pk}/edit/", {"title": "x", "currency": "PLN", "version": 1, "contact": foreign}),
        ("patch", f"/api/v1/items/{item.pk}", {"contact": foreign}),
        ("api", "/api/v1/items", {"title": "x", "pipeline": world.pipeline.pk, "contact": foreign}),
        ("patch", f"/api/v1/items/{item.pk}", {"company": house["companies"]["foreign"].pk}),
    ):
        assert call(client, secret, method, url, data).status_code in (403, 422), url
        item = Item.objects.get(pk=item.pk)
        assert (item.contact, item.company) == (None, None), url
    assert "Customer of foreign" not in client.get(f"/items/{item.pk}/field/contact/").content.decode()
    assert (
        call(client, secret, "patch", f"/api/v1/items/{item.pk}", {"contact": house["contacts"]["own"].pk}).status_code
        == 200
    )


def test_merging_needs_every_card_that_it_changes(world, house, client):
    give(house["jan"], **dict.fromkeys(customer_rights.ACTIONS, Scope.ALL))
    keep, drop = house["contacts"]["own"], house["contacts"]["team"]
    world.role(house["jan"], view=Scope.OWN, edit=Scope.OWN)
    Role.objects.get(name="Sales people").departments.clear()
    Role.took_effect()
    invoice = world.deal("Not for Jan", contact=drop, by=world.alice)
    jan = User.objects.get(pk=house["jan"].pk)
    with pytest.raises(merging.CannotMerge, match="beyond your reach"):
        merging.merge(keep, drop, {}, by=jan)
    firm = house["companies"]["own"]
    drop.company = house["companies"]["team"]
    drop.save()
    merging.merge(firm, house["companies"]["team"], {}, by=jan)
    assert Item.objects.get(pk=invoice.pk).contact == drop
    invoice.change({"owner": jan}, by=world.alice)
    merging.merge(keep, drop, {}, by=User.objects.get(pk=jan.pk))
    assert Item.objects.get(pk=invoice.pk).contact == keep


def test_hints_at_duplicates_name_nobody_invisible(world, house, client):
    give(house["jan"], **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    for whose in ("own", "foreign"):
        house["contacts"][whose].add_phone("+48601234567")
    client.force_login(house["jan"])
    item = world.deal(contact=house["contacts"]["own"], owner=house["jan"], by=world.alice)
    for url in (f"/contacts/{house['contacts']['own'].pk}/", f"/items/{item.pk}/"):
        assert "Customer of foreign" not in client.get(url).content.decode(), url
    client.force_login(world.alice)
    assert "Customer of foreign" in client.get(f"/contacts/{house['contacts']['own'].pk}/").content.decode()


def test_an_import_changes_no_customer_of_others(world, house, bring):  # noqa: F811
    give(world.bob, **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    rows = "name,e-mail,phone\nRenamed,foreign@example.org,+48601234567\nMine,team@example.org,+48601234568\n"
    checked = bring(rows, duplicates="update", only_check=True)
    work = bring(rows, duplicates="update")
    assert checked.counts() == work.counts()
    assert sorted(state(Contact)) == sorted(
        (pk, "Mine" if name == "Customer of team" else name) for pk, name in state(Contact)
    )
    assert house["contacts"]["foreign"].phones.count() == 0
    assert house["contacts"]["team"].phones.count() == 1


def test_cards_of_an_import_show_the_name_alone_of_others_customers(world, house, bring, client):  # noqa: F811
    give(world.bob, **dict.fromkeys(customer_rights.ACTIONS, Scope.OWN))
    rows = "title,contact,e-mail,phone,company\nWardrobe,Who,foreign@example.org,+48601234567,Firm of foreign\n"
    bring(rows, f"items:{world.pipeline.pk}")
    item = Item.objects.get(title="Wardrobe")
    assert (item.contact, item.hides_customer) == (house["contacts"]["foreign"], True)
    assert item.contact.phones.count() == 0
    assert Notification.objects.filter(user=world.charlie).count() == 1
    client.force_login(world.bob)
    assert client.get(f"/contacts/{item.contact.pk}/").status_code == 404
    assert client.get(f"/companies/{item.company.pk}/").status_code == 404


def test_who_may_add_no_customers_imports_none_and_the_check_says_so(world, bring):  # noqa: F811
    give(world.bob, view=Scope.ALL, add=Scope.NONE)
    rows = "title,contact,e-mail\nKnown,Hằng,hang@example.com\nNew,Ann,ann@example.org\n"
    checked = bring(rows, f"items:{world.pipeline.pk}", only_check=True)
    assert checked.counts()["failed"] == 1
    work = bring(rows, f"items:{world.pipeline.pk}")
    assert work.counts()["failed"] == 1
    assert not Contact.objects.filter(name="Ann").exists()


def test_a_customer_with_cards_is_not_deleted(world, client):
    item = world.deal()
    client.force_login(world.alice)
    client.post(f"/contacts/{world.contact.pk}/delete/")
    assert Contact.objects.filter(pk=world.contact.pk).exists()
    item.change({"contact": None}, by=world.alice)
    client.post(f"/contacts/{world.contact.pk}/delete/")
    assert not Contact.objects.filter(pk=world.contact.pk).exists()
    assert Event.objects.get(kind="contact.deleted").actor == world.alice


# ---------------------------------------------------------------------- whose a new customer is


def test_a_contact_gets_the_owner_of_the_first_card(world, form, drain, client):  # noqa: F811
    WebForm.objects.update(owner=world.bob)
    send(client, **GOOD)
    drain()
    assert Item.objects.get().contact.owner == world.bob


def test_an_owner_who_comes_later_gets_the_contact_made_with_the_card_and_no_other(world, now):
    old = Contact.objects.create(name="Old", created_at=now.replace(year=2020))
    fresh = Contact.objects.create(name="Fresh")
    for contact in (old, fresh):
        item = world.deal(contact=contact, owner=None, by=None)
        item.change({"owner": world.bob}, by=world.alice)
    old.refresh_from_db()
    fresh.refresh_from_db()
    assert (old.owner, fresh.owner) == (None, world.bob)


def test_the_upgrade_gives_customers_to_the_owner_of_their_newest_card_and_tells_administrators(world, now):
    world.deal("Old", owner=world.bob)
    world.deal("New", owner=world.alice)
    lonely = Contact.objects.create(name="Without cards")
    owned = Contact.objects.create(name="Owned", owner=world.charlie)
    world.deal("Other", owner=world.bob, contact=owned)
    importlib.import_module("crm.migrations.0022_owners_of_customers").forward(apps, None)
    assert {c.name: c.owner for c in Contact.objects.all()} == {
        world.contact.name: world.alice, "Without cards": None, "Owned": world.charlie,
    }  # fmt: skip
    assert lonely.owner is None
    assert Notification.objects.filter(user=world.alice, kind="setup").count() == 1


def test_while_no_role_says_anything_all_stays_as_it_was(world, client):
    client.force_login(world.bob)
    other = Contact.objects.create(name="Other", owner=world.alice)
    assert client.get(f"/contacts/{other.pk}/").status_code == 200
    assert client.post(f"/contacts/{other.pk}/edit/", {"name": "Changed", "tags": ""}).status_code == 302
    client.post(f"/contacts/{other.pk}/delete/")
    assert Contact.objects.filter(pk=other.pk).exists()


# ---------------------------------------------------------------------- somebody without any role


def test_somebody_without_any_role_sees_no_names_no_feed_and_hears_of_nothing(world, client, drain):
    client.force_login(world.charlie)
    assert client.get("/feed/").status_code == 404
    assert client.get("/feed/names/").status_code == 404
    assert "/feed/" not in client.get("/day/").content.decode()
    _token, secret = ApiToken.make(world.charlie, "t", ["read", "webhooks"])
    asked = {"name": "x", "url": "https://example.com/x", "kinds": ["email."]}
    assert call(client, secret, "api", "/api/v1/webhooks", asked).status_code == 403


def test_webhooks_hear_of_customers_that_their_owner_sees(world, house, settings):
    from crm.events.record import record
    from crm.webhooks import calls as webhooks

    give(house["jan"], view=Scope.OWN)
    Webhook.objects.create(name="x", url="https://example.com/", kinds=["call."], owner=house["jan"])
    webhooks.forget_subscriptions()
    for whose in ("own", "foreign"):
        record("call.missed", contact=house["contacts"][whose], payload={"number": "+48601234567"})
    record("call.missed", payload={"number": "+48601234567"})
    heard = WebhookDelivery.objects.select_related("event")
    assert [delivery.event.contact for delivery in heard] == [house["contacts"]["own"]]
