"""Erasing a customer: afterwards no table and no file holds what was theirs, but for what the receipt says."""

import io
import json
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.urls import reverse

from automation.models import Run
from automation.variables import Variable
from crm import slots
from crm.api.models import ApiCall, ApiToken
from crm.customers import erasing
from crm.customers.receipts import ErasureReceipt
from crm.events.record import record
from crm.ground import clock
from crm.ground.refused import Forbidden, Refused
from crm.items.erasure import Subject, scrubbed
from crm.items.models.gate import MoveOptions
from crm.messages.mail.inbox import received_mail
from crm.messages.mail.reading import read
from crm.models import (
    Attachment,
    Contact,
    Event,
    Import,
    ImportRow,
    InboundCall,
    InboundHook,
    Item,
    Job,
    Message,
    Post,
    Refusal,
    Role,
    SenderException,
    Submission,
    SystemSwitches,
    Task,
    WebForm,
    Webhook,
    WebhookDelivery,
)
from crm.notices.personal_data import PostsThatName
from documents import personal_data
from documents.models import Document, Payment
from tests.crm.test_mail_in import mail
from tests.documents.test_invoices import book, invoice_of

pytestmark = pytest.mark.django_db

MARK = "zqxwvk"
NUMBER = "+48601777333"


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path


@pytest.fixture
def person(world):
    contact = world.contact
    contact.emails.all().delete()
    contact.phones.all().delete()
    contact.name, contact.custom = f"Anna {MARK}ska", {"size": f"{MARK} 38"}
    contact.save()
    contact.add_email(f"{MARK}@example.org")
    contact.add_phone(NUMBER)
    return contact


@pytest.fixture
def lived(world, papers, person, drain):
    """A customer with everything: mail, form, import, webhooks, files, an offer, a paid invoice."""
    deal = papers.deal
    deal.change({"title": f"Table of {MARK}"}, by=world.bob)
    letter = mail(sender=f"Anna <{MARK}@example.org>", subject=f"About {MARK}", text=f"I am {MARK}, call {NUMBER}")
    assert received_mail(world.email, read(letter.as_bytes())) is not None
    Message.objects.create(channel=world.sms, to=NUMBER, text=f"stray {MARK}", direction="in")
    form = WebForm.objects.create(name="Order", slug="order", pipeline=world.pipeline, language="en")
    for contact in (person, None):
        answers = {"name": MARK, "phone": "601 777 333"}
        Submission.objects.create(form=form, form_version=1, nonce=uuid.uuid4().hex, answers=answers, contact=contact)
    work = Import.objects.create(target="contacts", name="People", user=world.alice)
    ImportRow.objects.create(parent=work, number=1, cells=[MARK, "601-777-333"], contact=person)
    ImportRow.objects.create(parent=work, number=2, cells=["Somebody", f"{MARK}@EXAMPLE.org"])
    token, _text = ApiToken.make(world.alice, "x", ["read"])
    ApiCall.objects.create(token=token, key="k", fingerprint="f", answer={"id": deal.pk, "title": f"{MARK}"})
    event = record("comment.added", item=deal, actor=world.bob, payload={"text": f"{MARK} rang @Alice Head"})
    hook = Webhook.objects.create(name="Shop", url="https://example.com/", owner=world.alice)
    job = Job.plan("parcel", "delivery:1")
    WebhookDelivery.objects.create(webhook=hook, event=event, body=f'{{"x": "{MARK}"}}', job=job)
    inbound = InboundHook.objects.create(name="Other")
    InboundCall.objects.create(hook=inbound, key="1", body={"mail": f"{MARK}@example.org"})
    Post.objects.create(author=world.bob, text=f"Please ring Anna {MARK}ska, {MARK}@example.org, today")
    paper = SimpleUploadedFile("paper.pdf", MARK.encode())
    Post.write(
        world.bob, "See the file", title=f"Sold to Anna {MARK}ska", files=[(paper, "paper.pdf", "x/y")], item=deal
    )
    SenderException.add("address", f"{MARK}@example.org", reason=MARK)
    Variable.objects.create(key="last", label="Last", scope="company", value=f"{MARK}@example.org")
    other = world.deal(contact=None)
    record("linked.moved", item=other, payload={"item": deal.pk, "title": MARK, "stage": 1})
    Refusal.keep("email", f"{MARK}@example.org", "asked", words=MARK)
    Task.add(item=deal, title=f"Ring {MARK}", assignee=world.bob, creator=world.bob)
    Attachment.objects.create(
        item=deal, name=f"{MARK}.txt", kind="text/plain", size=6, file=ContentFile(MARK, name="x")
    )
    LogEntry.objects.create(
        user=world.alice,
        content_type=ContentType.objects.get_for_model(Contact),
        object_id=str(person.pk),
        object_repr=person.name,
        action_flag=CHANGE,
        change_message="[]",
    )
    world.rule("talk", timing={"when": "delay", "amount": 5, "unit": "days"})
    world.move(deal, "talk")
    invoice, _paper = invoice_of(world, papers, drain)
    invoice = Item.objects.get(pk=invoice.pk)
    invoice.move_to(papers.flow.sent, MoveOptions(by=world.bob))
    book(invoice, "1339.08", world)
    drain()
    plant(Subject(person))
    return deal


# Columns of machines: what they hold is ours, and nobody's words.
MACHINE = {
    "cause_ref", "cause_label", "origin", "channel_key", "owner", "wait_on", "waiting_for", "group", "sha256", "signed_sha256",
    "message_id", "nonce", "hash", "sealed", "number", "name_key", "provider_key", "public_id", "medium", "action_flag",
    "object_id", "token", "kind", "currency", "language", "extension", "file", "signature", "signed_file", "search_key",
    "cause_kind", "unit", "tax_name",
}  # fmt: skip


def plant(subject):
    """Their mark in every text and JSON column of every row that is said to be theirs."""
    for data in slots.personal_data:
        if isinstance(data, personal_data.IssuedPapers | PostsThatName):
            continue
        for row in data.rows(subject):
            if isinstance(row, Document) and personal_data.issued(subject.items).filter(pk=row.pk).exists():
                continue
            columns = {
                field.attname: [{"text": MARK}, f"{MARK}@example.org"] if isinstance(field, models.JSONField) else MARK
                for field in row._meta.concrete_fields
                if isinstance(field, models.JSONField | models.CharField | models.TextField)
                and not field.choices
                and field.name not in MACHINE
                and not (field.unique or field.name in ("key", "to", "address"))
            }
            if isinstance(row, Document) or row._meta.label in ("crm.ContactEmail", "crm.ContactPhone"):
                columns = {
                    name: value for name, value in columns.items() if name in ("answered_by", "answer_note", "title")
                }
            if isinstance(row, SenderException | Variable):
                columns = {name: value for name, value in columns.items() if name == "reason"}
            if isinstance(row, Job):
                columns.pop("payload")  # ids only
            if isinstance(row, Event):
                columns["payload"] = row.payload | {"text": MARK, "deep": [{"name": MARK}], "amount": "12.50"}
            type(row)._base_manager.filter(pk=row.pk).update(**columns)


def found_in_tables():
    """(table, column) of every cell that holds the mark or the number, in any case."""
    places = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    text = str(value).casefold()
                    if MARK in text or NUMBER[3:] in text.replace(" ", "").replace("-", ""):
                        places.add((table, name))
    return places


def found_in_files(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file() and MARK.encode() in path.read_bytes().lower()]


def test_afterwards_a_search_over_all_tables_and_files_finds_them_only_where_the_receipt_says(
    world, lived, person, data_folder, drain, django_capture_on_commit_callbacks
):
    assert len(found_in_tables()) > 25, "the customer left traces everywhere"
    assert found_in_files(data_folder)
    with django_capture_on_commit_callbacks(execute=True):
        receipt = erasing.erase(person, by=world.alice, why="by letter")
        drain()
    kept = {
        ("documents_document", "html"),
        ("documents_document", "data"),
        ("documents_payment", "reference"),
        ("documents_statementline", "payer"),
        # The lines of the paid invoice belong to its paper.
        ("crm_lineitem", "name"),
    }
    assert found_in_tables() <= kept
    assert found_in_files(data_folder) == []
    assert {"issued papers", "payments"} <= set(receipt.counts)
    person.refresh_from_db()
    assert (person.name, person.custom, person.erased_at is not None) == (f"Erased customer {person.pk}", {}, True)
    assert not Run.objects.filter(item=lived, status="planned").exists()
    assert not Job.objects.filter(status="planned", kind="parcel").exists()
    assert Refusal.objects.against("email", f"{MARK}@example.org") is not None, "nothing is sent there again"
    assert SenderException.objects.against(emails=[f"{MARK}@example.org"]) is not None, "and nothing is taken in"
    assert not Payment.objects.visible_to(world.bob).exists()
    line, confirmed = map(json.loads, erasing.list_file().read_text().splitlines())
    assert line["id"] == confirmed["id"] == receipt.marks["id"]
    assert MARK not in erasing.list_file().read_text()
    # The figures stay.
    deal = Item.objects.get(pk=lived.pk)
    assert (deal.stage, deal.contact) == (world.stages["talk"], person)
    assert Event.objects.filter(item=lived, kind="comment.added").get(payload__amount="12.50")


def test_every_model_that_hangs_on_a_customer_is_named(world, person):
    """A row that nobody declared would survive: whoever adds a model says here what becomes of it."""
    subject = Subject(person)
    declared = {data.rows(subject).model for data in slots.personal_data}
    bound = {
        "crm.Contact", "crm.Item", "crm.Event", "crm.Message", "crm.Submission", "documents.Document", "crm.Task",
    }  # fmt: skip
    kept = {
        "crm.Conversation": "holds numbers and a day",
        "crm.Consent": "proof that somebody agreed to our words; holds ours alone",
        "crm.StageVisit": "",
        "documents.CarriedPaper": "two numbers",
        "crm.Profit": "four amounts, which nobody is named in",
        "documents.CreditNote": "of an issued paper",
        "documents.Checkout": "of a payment, erased with it",
        "documents.StatementLine": "of a payment, erased with it",
        "documents.PaymentLink": "",
        "crm.Contact": "emptied by the erasing itself",
    }
    for model in apps.get_models():
        if model._meta.app_label not in ("crm", "automation", "documents") or model._meta.proxy:
            continue
        hangs = {
            field.related_model._meta.label
            for field in model._meta.concrete_fields
            if field.is_relation and field.related_model is not None
        }
        if hangs & bound:
            assert model in declared or model._meta.label in kept, model._meta.label


@pytest.mark.parametrize("payload", [{"number": "601777333"}, {"to": NUMBER}, {"changes": {"title": ["a b", "c"]}}])
def test_payloads_keep_no_word_and_no_number_of_theirs(payload):
    assert "601777333" not in json.dumps(scrubbed(payload))
    assert "a b" not in json.dumps(scrubbed(payload))


def test_payloads_keep_figures_days_and_our_own_words():
    told = {
        "days": 3,
        "open": "12.50",
        "to_name": "Talk",
        "on": "2026-11-29",
        "at": "2026-11-29T10:00:00+00:00",
        "x": True,
    }
    assert scrubbed(told) == told


# ---------------------------------------------------------------------- issued papers


def test_issued_papers_are_closed_to_all_but_those_who_keep_the_books_and_erased_after_their_time(
    world, papers, lived, person, client, drain, django_capture_on_commit_callbacks
):
    erasing.erase(person, by=world.alice)
    paper = Document.objects.exclude(closed_until=None).get()
    assert (paper.closed_until - clock.now().date()).days // 365 == 10
    assert paper.file.storage.exists(paper.file.name)
    # Invoices are open to everybody here, but the papers of who was erased are not.
    for someone in (world.alice, world.bob):
        client.force_login(someone)
        assert not Document.objects.visible_to(someone).filter(pk=paper.pk).exists()
        assert client.get(reverse("document", args=[paper.pk])).status_code == 404
    books = Role.objects.create(name="Books", keeps_books=True)
    books.people.add(world.alice)
    assert Document.objects.visible_to(world.alice).filter(pk=paper.pk).exists()
    with (
        clock.at(clock.now() + timedelta(days=3660)),
        django_capture_on_commit_callbacks(execute=True),
    ):
        personal_data.erase_expired(None)
        paper.refresh_from_db()
        assert (paper.html, paper.data, paper.file.name) == ("", {}, "")
    drain()
    assert found_in_tables() == set()
    assert Payment.objects.get().amount, "what was paid stays a figure"


def test_a_customer_with_an_open_invoice_is_not_erased_and_hears_why(world, papers, person, client, drain):
    invoice, _paper = invoice_of(world, papers, drain)
    Item.objects.get(pk=invoice.pk).move_to(papers.flow.sent, MoveOptions(by=world.bob))
    with pytest.raises(Refused, match="still open"):
        erasing.erase(person, by=world.alice)
    client.force_login(world.alice)
    page = client.get(f"/contacts/{person.pk}/erase/").content.decode()
    assert "still open" in page
    assert "Erase for good" not in page
    person.refresh_from_db()
    assert MARK in person.name


# ---------------------------------------------------------------------- rights, page, rule


def test_it_takes_the_right_to_delete_the_customer_and_every_card(world, person, client):
    world.deal(contact=person)
    with pytest.raises(Forbidden):
        erasing.erase(person, by=world.charlie)
    client.force_login(world.charlie)
    assert client.post(f"/contacts/{person.pk}/erase/", {"why": "x", "sure": "on"}).status_code in (403, 404)
    assert not ErasureReceipt.objects.exists()


def test_the_page_shows_what_goes_and_asks_for_how_and_sure(world, papers, lived, person, client):
    client.force_login(world.alice)
    page = client.get(f"/contacts/{person.pk}/erase/").content.decode()
    for words in ("Messages", "Files", "Issued papers", "stay unchanged"):
        assert words.lower() in page.lower()
    assert client.post(f"/contacts/{person.pk}/erase/", {"why": "by letter"}).status_code == 422
    assert client.post(f"/contacts/{person.pk}/erase/", {"why": "by letter", "sure": "on"}).status_code == 302
    assert client.get(f"/contacts/{person.pk}/").status_code == 200
    assert client.get(f"/items/{lived.pk}/").status_code == 200
    assert client.get("/admin/crm/erasurereceipt/").status_code == 200
    assert client.get(f"/admin/crm/erasurereceipt/{ErasureReceipt.objects.get().pk}/change/").status_code == 200


@pytest.mark.parametrize("then", ["keep", "delete"])
def test_a_rule_erases_and_ends_done(world, person, drain, then):
    world.rule("talk", "erase_personal_data", {"why": "by mail", "then": then})
    later = world.rule("talk", timing={"when": "delay", "amount": 1, "unit": "days"})
    deal = world.deal(contact=person)
    world.move(deal, "talk")
    drain()
    run = Run.objects.get(rule__action="erase_personal_data")
    assert (run.status, run.outputs["receipt"]) == ("done", ErasureReceipt.objects.get().pk)
    assert Run.objects.get(rule=later).status == "cancelled"
    assert (Item.objects.get(pk=deal.pk).deleted_at is not None) is (then == "delete")


# ---------------------------------------------------------------------- after a restore


def restored():
    out = io.StringIO()
    call_command("restored", stdout=out)
    return out.getvalue()


@pytest.fixture
def gone(world, django_capture_on_commit_callbacks):
    """Erase somebody, commit included."""

    def erase(person):
        with django_capture_on_commit_callbacks(execute=True):
            return erasing.erase(person, by=world.alice)

    return erase


def back_from_backup(person, name):
    """As a dump of before the erasure has them."""
    Contact.objects.filter(pk=person.pk).update(name=name, erased_at=None)
    person.add_email(f"{MARK}@example.org")
    person.add_phone(NUMBER)


def test_after_a_restore_they_are_erased_again_and_automation_waits(world, person, drain, gone):
    name = person.name
    gone(person)
    back_from_backup(person, name)
    bystander = Contact.objects.create(name="Jan Inny")
    bystander.add_phone(NUMBER)  # the same switchboard
    assert "1 customers were erased again" in restored()
    assert SystemSwitches.paused()
    drain()
    assert found_in_tables() <= {("crm_contactphone", "number")}
    bystander.refresh_from_db()
    assert bystander.name == "Jan Inny"


def test_who_came_anew_after_being_erased_stays(world, person, gone):
    name = person.name
    gone(person)
    with clock.at(clock.now() + timedelta(days=1)):
        anew = Contact.objects.create(name=name)
        anew.add_email(f"{MARK}@example.org")
        assert "0 customers" in restored()
    anew.refresh_from_db()
    assert anew.name == name


def test_an_erasure_that_was_taken_back_erases_nobody_after_a_restore(world, person):
    with pytest.raises(Refused), transaction.atomic():
        erasing.erase(person, by=world.alice)
        raise Refused("the disk is full")
    told = restored()
    assert "0 customers" in told
    assert "was not confirmed" in told
    person.refresh_from_db()
    assert MARK in person.name


def test_a_double_of_the_same_name_and_address_in_an_older_backup_is_erased_too(world, person, gone):
    double = Contact.objects.create(name=person.name)
    double.add_email(f"{MARK}@example.org")
    gone(person)
    assert "1 customers" in restored()
    double.refresh_from_db()
    assert double.erased_at is not None


def test_it_says_so_if_the_list_is_missing_and_automation_waits_all_the_same(world):
    with pytest.raises(CommandError, match="missing"):
        restored()
    assert SystemSwitches.paused()
