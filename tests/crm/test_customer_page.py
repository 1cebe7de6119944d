"""The page of a contact or company, and the lists with their heads and filters."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm.ground import clock
from crm.models import Company, Contact, CustomField, Event, Item, Message, Pipeline, Tag, Task
from crm.pipelines.rights import Scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(world, client):
    client.force_login(world.bob)
    return client


def url(record):
    return f"/{'contacts' if isinstance(record, Contact) else 'companies'}/{record.pk}/"


def order(page, *words):
    places = [page.index(word) for word in words]
    return places == sorted(places)


def test_a_customers_page_shows_what_is_known_and_offers_what_can_be_done(world, bob):
    CustomField.objects.create(key="size", label="Shoe size", target="contact", type="number")
    company = Company.objects.create(name="Meble Łódź")
    Contact.objects.filter(pk=world.contact.pk).update(company=company, custom={"size": "42"})
    world.deal("Oak table", amount=Decimal(1500), currency="EUR")
    world.deal("Old chair", "won", amount=Decimal(80), currency="EUR")
    page = bob.get(url(world.contact)).content.decode()
    for words in (
        "Meble Łódź",
        "Shoe size",
        "42",
        "Oak table",
        "Old chair",
        "€1,500",
        "€80",
        'href="tel:',
        "write=email",
    ):
        assert words in page, words
    assert order(page, "Oak table</span>", "Old chair</span>")  # open ones first
    assert f"/contacts/{world.contact.pk}/edit/" in page
    assert 'name="phones"' not in page


def test_a_note_a_mail_and_a_task_are_written_from_the_customers_page_and_lead_back_to_it(world, bob):
    older, newer = world.deal("Older"), world.deal("Newer")
    page = bob.get(url(world.contact)).content.decode()
    assert f'action="/items/{newer.pk}/write/note/"' in page
    page = bob.get(url(world.contact), {"card": older.pk, "write": "email"}).content.decode()
    assert f'action="/items/{older.pk}/write/email/"' in page
    sent = {"back": "contact", "to": world.contact.email(), "subject": "Hello", "text": "Hi", "channel": world.email.pk}
    assert bob.post(f"/items/{older.pk}/write/email/", sent).url == f"{url(world.contact)}?card={older.pk}"
    assert Message.objects.get().item == older
    task = {"back": "contact", "kind": "call", "title": "Ring back"}
    assert bob.post(f"/items/{older.pk}/write/task/", task).url == f"{url(world.contact)}?card={older.pk}"
    refused = bob.post(f"/items/{older.pk}/write/email/", sent | {"subject": "", "text": "Half a mail"})
    page = refused.content.decode()
    assert refused.status_code == 422
    assert f'href="/contacts/{world.contact.pk}/edit/"' in page
    assert "Half a mail" in page
    assert f'action="/items/{older.pk}/write/email/"' in page
    assert Task.objects.get().title == "Ring back"
    assert bob.post(f"/items/{older.pk}/write/note/", {"text": "x"}).url == f"/items/{older.pk}/"


def test_a_new_card_of_the_customer_is_made_where_one_is(world, bob):
    page = bob.get(url(world.contact)).content.decode()
    assert "make one to write" in page
    sent = {"pipeline": world.pipeline.pk, "title": "Shelf", "amount": "1.500,50"}
    answer = bob.post(f"{url(world.contact)}card/", sent | {"title": ""})
    assert answer.status_code == 422
    assert 'value="1.500,50"' in answer.content.decode()
    answer = bob.post(f"{url(world.contact)}card/", sent)
    item = Item.objects.get()
    assert (answer.url, item.contact, item.amount) == (f"/items/{item.pk}/", world.contact, Decimal("1500.50"))
    company = Company.objects.create(name="Firm")
    bob.post(f"{url(company)}card/", sent)
    assert Item.objects.latest("pk").company == company


def test_the_history_joins_the_customers_events_with_those_of_the_cards_that_the_reader_sees(world, bob, client):
    hidden = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Secret", currency="EUR")
    world.role(world.alice, pipeline=hidden, view=Scope.ALL)
    mine, theirs = world.deal("Mine"), world.deal("Mine too")
    for number in range(35):
        Event.objects.create(
            kind="comment.added", item=mine, contact=world.contact, payload={"text": f"note {number}."}
        )
    Event.objects.create(kind="contact.split", contact=world.contact, payload={"name": "Own event"})
    Item.objects.filter(pk=theirs.pk).update(pipeline=hidden)
    Event.objects.create(kind="comment.added", item=theirs, contact=world.contact, payload={"text": "ZZSECRET"})
    page = bob.get(url(world.contact)).content.decode()
    assert "note 34." in page
    assert "note 3." not in page
    assert "ZZSECRET" not in page
    older = page.split('hx-get="')[-1].split('"')[0]
    more = bob.get(older).content.decode()
    assert "note 3." in more
    assert "ZZSECRET" not in more


def test_papers_and_money_stand_on_the_customers_page(world, papers_of, bob):
    page = bob.get(url(world.contact)).content.decode()
    assert "Papers and money" in page
    assert "PLN\xa01,339.08" in page
    assert papers_of.number in page


@pytest.fixture
def papers_of(world, settings, tmp_path):
    from tests.documents.conftest import build_papers

    settings.MEDIA_ROOT = str(tmp_path)
    made = build_papers(world)
    _invoice, document = made.flow.make_invoice(made.deal, made.templates["invoice"], by=world.bob)
    return document


def test_charlie_opens_no_customers_page_and_adds_no_card(world, client):
    world.deal()
    client.force_login(world.charlie)
    for path in ("", "edit/", "history/"):
        assert client.get(url(world.contact) + path).status_code in (403, 404), path
    sent = {"pipeline": world.pipeline.pk, "title": "x"}
    assert client.post(f"{url(world.contact)}card/", sent).status_code in (403, 404)
    assert Item.objects.count() == 1


# ---------------------------------------------------------------------- lists


@pytest.fixture
def three(world):
    Contact.objects.all().delete()
    vip = Tag.objects.create(name="VIP")
    CustomField.objects.create(key="size", label="Size", target="contact", type="number")
    now = clock.now()
    rows = []
    for place, (name, company, owner, language) in enumerate(
        (("Adam", "Żuk", world.bob, "pl"), ("Łucja", "Acme", None, "fr"), ("Zoe", "", world.alice, ""))
    ):
        row = Contact.objects.create(
            name=name, owner=owner, language=language, created_at=now - timedelta(days=place * 10),
            company=Company.objects.create(name=company) if company else None, custom={"size": str(40 + place)},
        )  # fmt: skip
        rows.append(row)
    rows[0].tags.add(vip)
    rows[1].add_email("lucja@example.com")
    rows[2].add_phone("+48601234567")
    return rows


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", "Adam Łucja Zoe"), ("-name", "Zoe Łucja Adam"), ("company", "Łucja Adam Zoe"), ("-company", "Adam Łucja Zoe"),
        ("owner", "Zoe Adam Łucja"), ("newest", "Adam Łucja Zoe"), ("-newest", "Zoe Łucja Adam"), ("cards", "Zoe Adam Łucja"),
    ],
)  # fmt: skip
def test_customers_are_sorted_by_every_head_in_both_directions(world, bob, three, sort, names):
    world.deal(contact=three[2])
    page = bob.get("/contacts/", {"sort": sort}).content.decode()
    assert order(page, *(f">{name}</a>" for name in names.split()))
    if sort:
        assert page.count("aria-sort=") == (0 if sort == "cards" else 1)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("owner=me", "Adam"), ("owner=none", "Łucja"), ("company=zuk", "Adam"), ("language=fr", "Łucja"),
        ("has_email=yes", "Łucja"), ("has_email=no", "Adam Zoe"), ("has_phone=yes", "Zoe"), ("has_cards=yes", "Zoe"),
        ("has_cards=no", "Adam Łucja"), ("c.size=41", "Łucja"), ("q=luc", "Łucja"), ("created_to=2026-11-10", "Łucja Zoe"),
        ("created_from=2026-11-10", "Adam"), ("tag=1", "Adam"),
    ],
)  # fmt: skip
def test_customers_are_filtered_by_every_field_and_the_export_is_what_is_shown(world, bob, now, three, query, names):
    Contact.objects.filter(pk=three[1].pk).update(created_at=now - timedelta(days=10))
    Contact.objects.filter(pk=three[2].pk).update(created_at=now - timedelta(days=20))
    Contact.objects.filter(pk=three[0].pk).update(created_at=now)
    query = query.replace("tag=1", f"tag={Tag.objects.get().pk}").replace(
        "2026-11-10", f"{(now - timedelta(days=5)).date()}"
    )
    world.deal(contact=three[2])
    page = bob.get(f"/contacts/?{query}").content.decode()
    export = b"".join(bob.get(f"/contacts/export.csv?{query}").streaming_content).decode("utf-8-sig")
    for name in ("Adam", "Łucja", "Zoe"):
        assert (f">{name}</a>" in page) is (name in names.split()), name
        assert (name in export) is (name in names.split()), name
    panel = bob.get(f"/contacts/filter/?{query}", headers={"HX-Request": "true"})
    assert panel.status_code == 200


@pytest.mark.parametrize("query", ["sort=x", "owner=²", "c.none=1", "has_email=maybe", "tax_number=1", "created_to=x"])
def test_a_filter_that_nobody_knows_is_a_sentence_and_400(world, bob, query):
    assert bob.get(f"/contacts/?{query}").status_code == 400


def test_companies_are_filtered_and_sorted_by_their_own_fields(world, bob):
    Company.objects.create(name="Acme", tax_number="PL 99", address="Łódź", phone="+48601234567")
    Company.objects.create(name="Bolt", tax_number="DE 11", email="b@example.com")
    page = bob.get("/companies/?sort=tax_number").content.decode()
    assert order(page, ">Bolt<", ">Acme<")
    for query, there in (
        ("tax_number=99", "Acme"),
        ("address=łódź", "Acme"),
        ("has_email=yes", "Bolt"),
        ("has_phone=yes", "Acme"),
    ):
        page = bob.get(f"/companies/?{query}").content.decode()
        assert [name for name in ("Acme", "Bolt") if f">{name}</a>" in page] == [there], query


@pytest.mark.parametrize(
    ("sort", "titles"),
    [
        ("title", "A B C"), ("-title", "C B A"), ("amount", "B A C"), ("-amount", "A B C"), ("owner", "C A B"),
        ("stage", "C B A"), ("-stage", "A B C"), ("due", "B A C"), ("-due", "A B C"), ("customer", "A B C"),
    ],
)  # fmt: skip
def test_cards_are_sorted_by_every_head_in_both_directions(world, bob, sort, titles):
    other = Contact.objects.create(name="Żaneta")
    world.deal("A", "papers", amount=Decimal(10), due_date=date(2027, 2, 1))
    world.deal("B", "talk", amount=Decimal(20), owner=None, due_date=date(2027, 1, 1), contact=other)
    world.deal("C", "new", owner=world.alice, contact=None)
    page = bob.get(f"/board/{world.pipeline.pk}/list/?sort={sort}").content.decode()
    assert order(page, *(f">{title}</a>" for title in titles.split()))


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("amount_from=15", "B"), ("amount_to=15,00", "A"), ("amount_from=10&amount_to=10", "A"), ("currency=eur", "A"),
        ("due_from=2027-01-15", "A"), ("due_to=2027-01-15", "B"), ("source=fair", "C"), ("kind=won", "C"),
    ],
)  # fmt: skip
def test_cards_are_filtered_by_amount_currency_and_expected_day_at_page_api_and_export(
    world, bob, client, query, titles
):
    from tests.crm.test_api import Caller

    world.deal("A", amount=Decimal(10), due_date=date(2027, 2, 1), currency="EUR")
    world.deal("B", amount=Decimal(20), due_date=date(2027, 1, 1), currency="PLN")
    world.deal("C", "won", source="fair", currency="PLN")
    page = bob.get(f"/board/{world.pipeline.pk}/list/?{query}").content.decode()
    assert [title for title in "ABC" if f">{title}</a>" in page] == titles.split()
    found = Caller(client, world.bob).get(f"/items?{query}").data["items"]
    assert sorted(row["title"] for row in found) == titles.split()


@pytest.mark.parametrize(
    "query", ["amount_from=abc", "currency=XYZ", "due_to=never", "sort=-x", "amount_to=1e99999999"]
)
def test_a_filter_of_cards_that_cannot_be_read_is_said(world, bob, query):
    assert bob.get(f"/board/{world.pipeline.pk}/list/?{query}").status_code == 400


def test_what_was_made_of_another_card_counts_once_and_is_told_once(world, papers_of, bob):
    page = bob.get(url(world.contact)).content.decode()
    sums = page.split("paid-line")[1].split("</dl>")[0]
    assert sums.count("PLN\xa01,339.08") == 1
    assert page.count(f"Invoice {papers_of.number} over") == 1


def test_a_contact_that_wants_no_messages_opens(world, client):
    world.contact.no_email = world.contact.no_sms = True
    world.contact.save()
    client.force_login(world.alice)
    page = client.get(f"/contacts/{world.contact.pk}/").content.decode()
    assert "Wants no e-mail" in page
