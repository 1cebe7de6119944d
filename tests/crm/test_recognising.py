"""Two people are two people: a shared number makes nobody one, and the check says what the import does."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.importing.work import MAKERS
from crm.messages import receiving
from crm.models import Company, Contact, Import, ImportRow, Item, Message, OwnCompany
from crm.people.recognising import same_name
from tests.crm.test_forms import GOOD, form, send  # noqa: F401
from tests.crm.test_imports import bob, bring  # noqa: F401

TABLES = Path(__file__).parent.parent / "cases" / "tables"
SWITCHBOARD = (TABLES / "switchboard-contacts.csv").read_text()
DEALS = (TABLES / "switchboard-deals.csv").read_text()


@pytest.fixture
def british(world):
    OwnCompany.objects.update(country="GB")


@pytest.mark.parametrize("duplicates", ["skip", "update", "create"])
def test_colleagues_with_one_switchboard_are_three_contacts(world, british, bring, duplicates):  # noqa: F811
    before = Contact.objects.count()
    checked = bring(SWITCHBOARD, duplicates=duplicates, only_check=True)
    assert checked.counts()["created"] == 3
    made = bring(SWITCHBOARD, duplicates=duplicates)
    assert made.counts()["created"] == 3
    assert Contact.objects.count() == before + 3
    una = Contact.objects.get(name="Una Marsh")
    assert [row.address for row in una.emails.all()] == ["una@example.org"]
    again = bring(SWITCHBOARD, duplicates=duplicates)
    assert again.counts()["created"] == (3 if duplicates == "create" else 0)


def test_deals_of_colleagues_hang_on_the_right_one(world, british, bring):  # noqa: F811
    bring(DEALS, f"items:{world.pipeline.pk}")
    assert {(item.title, item.contact.name) for item in Item.objects.all()} == {
        ("Deal Una", "Una Crane"),
        ("Deal Vic", "Vic Crane"),
    }


PERSON = st.tuples(
    st.sampled_from(["", "Ann Lee", "Lee Ann", "ann lee", "Bo Fox", "Cy"]),
    st.sampled_from(["", "a@example.org", "A@example.org", "b@example.org", "c@example.org"]),
    st.sampled_from(["", "+48601234567", "+48601234568"]),
)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(PERSON, min_size=1, max_size=8),
    duplicates=st.sampled_from(["skip", "update", "create"]),
    turn=st.integers(1, 8),
)
def test_check_and_import_never_disagree(world, rows, duplicates, turn):
    with transaction.atomic():
        work = Import.objects.create(
            user=world.alice, target="contacts", name="x.csv", duplicates=duplicates,
            headers=["name", "e-mail", "phone"], mapping={"0": "name", "1": "email", "2": "phone"}, total=len(rows),
        )  # fmt: skip
        made = [ImportRow.objects.create(parent=work, number=n, cells=list(cells)) for n, cells in enumerate(rows, 1)]
        said = []
        for start in range(0, len(made), turn):  # each turn of the check begins with a maker of its own
            maker = MAKERS["contacts"](work)
            for former in made[:start]:
                maker.recall(former.made)
            said += outcomes(maker, made[start : start + turn], dry=True)
        for row in made:
            row.made = {}
        done, maker = [], MAKERS["contacts"](work)
        for start in range(0, len(made), 3):
            done += outcomes(maker, made[start : start + 3], dry=False)
        assert said == done
        transaction.set_rollback(True)


def outcomes(maker, rows, dry):
    maker.prepare(rows)
    found = []
    for row in rows:
        try:
            maker.row(row, dry)
            found.append(str(row.outcome))
        except Exception as wrong:
            found.append(type(wrong).__name__)
    maker.batch.flush()
    return found


# ---------------------------------------------------------------------- forms, mails, SMS


def submitted(client, drain, **answers):
    assert send(client, **GOOD | answers).status_code == 200
    drain()
    return Item.objects.latest("pk").contact


def test_a_known_address_is_that_person_and_the_number_is_added(world, form, client, drain):  # noqa: F811
    contact = submitted(client, drain, name="Somebody", email="hang@example.com", phone="601 234 567")
    assert contact == world.contact
    assert contact.name == "Nguyễn Thị Hằng"
    assert contact.phones.filter(number="+48601234567").exists()


@pytest.mark.parametrize(
    ("name", "email", "is_known"),
    [
        ("Hằng Nguyễn Thị", "new@example.com", True),
        ("Trần Văn Minh", "minh@example.com", False),
        ("nguyen thi hang", "", True),
        ("Trần Văn Minh", "", False),
    ],
)
def test_a_known_number_is_that_person_only_by_the_name(world, form, client, drain, name, email, is_known):  # noqa: F811
    contact = submitted(client, drain, name=name, email=email, phone="+84912345678")
    assert (contact == world.contact) is is_known
    assert world.contact.emails.count() == (2 if is_known and email else 1)


def test_a_number_of_several_people_is_nobody_in_particular(world, form, client, drain):  # noqa: F811
    Contact.objects.create(name="Jan Żuk").add_phone("+84912345678")
    contact = submitted(client, drain, name="Jan Żuk", email="", phone="+84912345678")
    assert Contact.objects.filter(phones__number="+84912345678").count() == 3
    assert contact.name == "Jan Żuk"


def test_who_was_called_by_a_number_only_gets_a_name(world, form, client, drain):  # noqa: F811
    caller = Contact.objects.create(name="+48601234567")
    caller.add_phone("+48601234567")
    contact = submitted(client, drain, name="Jan Żuk", email="jan@example.com", phone="601 234 567")
    assert (contact, contact.name) == (caller, "Jan Żuk")


def test_an_sms_from_a_shared_number_is_of_whom_we_last_wrote_to(world):
    other = Contact.objects.create(name="Jan Żuk")
    other.add_phone("+84912345678")
    first = receiving.received_sms(world.sms, "sms-1", "+84912345678", "Hello")
    assert first.contact == world.contact
    world.deal(contact=other)
    assert receiving.received_sms(world.sms, "sms-2", "+84912345678", "Hello").contact == other
    Message.objects.create(channel=world.sms, contact=world.contact, to="+84912345678", text="Your table")
    assert receiving.received_sms(world.sms, "sms-3", "+84912345678", "Hello").contact == world.contact


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Żuk, Jan", "jan zuk", True),
        ("Jan", "Jan Żuk", False),
        ("", "", False),
        ("Nguyễn Thị Hằng", "Hang Nguyen Thi", True),
    ],
)
def test_names_are_compared_folded_in_any_order(one, other, same):
    assert same_name(one, other) is same


def test_a_check_of_companies_goes_on_in_another_turn(world):
    work = Import.objects.create(
        user=world.alice, target="companies", name="x.csv", duplicates="update",
        headers=["name", "tax"], mapping={"0": "name", "1": "tax_number"}, total=2,
    )  # fmt: skip
    first, second = (
        ImportRow.objects.create(parent=work, number=n, cells=cells)
        for n, cells in enumerate([["X", "A"], ["X", ""]], 1)
    )
    assert outcomes(MAKERS["companies"](work), [first], dry=True) == ["created"]
    maker = MAKERS["companies"](work)
    maker.recall(first.made)
    assert outcomes(maker, [second], dry=True) == ["updated"]


@pytest.mark.parametrize(
    "rows", [[["X", "A"], ["X", ""]], [["Known", ""], ["Known", "B"]], [["Known", "A"], ["Y", "A"]]]
)
@pytest.mark.parametrize("turn", [1, 2])
def test_check_and_import_of_companies_agree(world, rows, turn):
    Company.objects.create(name="Known", tax_number="A")
    work = Import.objects.create(
        user=world.alice, target="companies", name="x.csv", duplicates="update",
        headers=["name", "tax"], mapping={"0": "name", "1": "tax_number"}, total=len(rows),
    )  # fmt: skip
    made = [ImportRow.objects.create(parent=work, number=n, cells=cells) for n, cells in enumerate(rows, 1)]
    said = []
    for start in range(0, len(made), turn):
        maker = MAKERS["companies"](work)
        for former in made[:start]:
            maker.recall(former.made)
        said += outcomes(maker, made[start : start + turn], dry=True)
    for row in made:
        row.made = {}
    assert outcomes(MAKERS["companies"](work), made, dry=False) == said
