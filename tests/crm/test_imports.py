"""Tables that people bring along: read, matched, checked, taken in, taken back."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from automation.models import Run
from crm.fields import Cells, type_of
from crm.importing import reading
from crm.importing import work as working
from crm.importing.columns import columns_of, guess
from crm.models import Company, Contact, CustomField, Import, ImportRow, Item, Job, Message, Webhook, WebhookDelivery
from crm.pipelines.rights import Scope


@pytest.fixture
def bob(world: Any, client: Any) -> Any:
    client.force_login(world.bob)
    return client


@pytest.fixture
def bring(world: Any, bob: Any, drain: Any) -> Any:
    """Upload, choose (the guesses, and what the test says), check, and import unless told not to."""

    def work(
        content: str | bytes, what: str = "contacts", *, name: str = "list.csv", only_check: bool = False, **chosen: Any
    ) -> Import:
        data = content.encode() if isinstance(content, str) else content
        answer = bob.post("/import/", {"what": what, "file": SimpleUploadedFile(name, data)})
        assert answer.status_code == 302, answer.content.decode()
        made = Import.objects.latest("pk")
        form = {f"column_{place}": key for place, key in made.mapping.items()} | {"duplicates": "skip"} | chosen
        answer = bob.post(f"/import/{made.pk}/", form)
        assert answer.status_code == 302, answer.content.decode()
        drain()
        if not only_check:
            bob.post(f"/import/{made.pk}/step/", {"step": "import"})
            drain()
        made.refresh_from_db()
        return made

    return work


TABLES = Path(__file__).parent.parent / "cases" / "tables"


def deals(world: Any) -> str:
    return f"items:{world.pipeline.pk}"


def xlsx(rows: list[list[Any]]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file.getvalue()


# ---------------------------------------------------------------------- reading files

NAMES = "Imię;Telefon komórkowy\nŁucja Żółć;+48 601 234 567\nGrzegorz Brzęczyszczykiewicz;\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1250", "iso8859-2"])
def test_a_polish_file_is_read_in_whatever_encoding_it_comes(encoding):
    table = reading.read(NAMES.encode(encoding))
    assert table.headers == ["Imię", "Telefon komórkowy"]
    assert table.rows[0][0] == "Łucja Żółć"


def test_an_encoding_that_was_chosen_wins_and_a_wrong_one_is_said_with_its_line():
    assert reading.read("Tên\nHằng\n".encode("cp1258", "ignore"), "cp1258").headers == ["Tên"]
    with pytest.raises(reading.CannotRead, match="line 2"):
        reading.read("name\nŻuraw\n".encode("cp1250"), "utf-8")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_usual_separator_is_found_also_beside_decimal_commas(separator):
    quote = '"' if separator == "," else ""
    text = f"name{separator}amount\nA{separator}{quote}1,5{quote}\nB{separator}{quote}2,5{quote}\n"
    assert reading.read(text.encode()).rows == [["A", "1,5"], ["B", "2,5"]]


def test_a_spreadsheet_is_read_as_texts():
    table = reading.read(xlsx([["Name", "Amount"], ["Oak", 12], ["Ash", 12.5]]))
    assert table.rows == [["Oak", "12"], ["Ash", "12.5"]]


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(6):
            with packed.open(f"xl/{number}.xml", "w") as part:
                for _megabyte in range(100):
                    part.write(b"\0" * 1024 * 1024)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4, "neither a CSV file nor|headers and at least"),
        (b"PK\x03\x04 not really", "cannot be read"),
        (b"", "headers"),
        (b"only,headers\n", "at least one row"),
        (b"a\n" + b"x\n" * 100_001, "more than 100000 rows"),
        ((",".join("abc" * 100) + "\n").encode() * 2, "more than 200 columns"),
        (bomb, "too large when it is unpacked"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(content, why):
    with pytest.raises(reading.CannotRead, match=why):
        reading.read(content() if callable(content) else content)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1 234,50 zł", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1.234.567", "1234567"),
        ("-12", "-12"),
        ("€ 7,5", "7.5"),
        ("12 000 000 ₫", "12000000"),
        ("1234.5678", "1234.57"),
        ("1500.0000", "1500"),
        ("0.125", "0.13"),
        ("0,500", "0.5"),
        ("\u221212,50", "-12.5"),
        ("(1,234.50)", "-1234.5"),
        ("Fr. 50", "50"),
        ("zł. 50", "50"),
        ("813.008130081301", "813.01"),
    ],
)
def test_amounts_are_read_in_every_habit(cell, value):
    assert type_of("priced").cell(cell, Cells("dmy")).value == Decimal(value)


@pytest.mark.parametrize(
    "cell", ["about ten", "1-2", "", "=1+2", "9" * 30, "2 x 500", "1.2345E+5", "1e16", "12 000 00"]
)
def test_what_is_no_amount_is_refused(cell):
    with pytest.raises(ValidationError):
        type_of("priced").cell(cell, Cells("dmy"))


# ---------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    "headers",
    [
        ["ID", "First name", "Last name", "Work Phone", "Mobile", "Work E-mail", "Company", "Responsible person"],
        [
            "ID",
            "Imię",
            "Nazwisko",
            "Telefon służbowy",
            "Telefon komórkowy",
            "E-mail służbowy",
            "Firma",
            "Osoba odpowiedzialna",
        ],
        [
            "ID",
            "Prénom",
            "Nom de famille",
            "Téléphone professionnel",
            "Mobile",
            "E-mail professionnel",
            "Société",
            "Responsable",
        ],
        ["ID", "Имя", "Фамилия", "Рабочий телефон", "Мобильный телефон", "Рабочий e-mail", "Компания", "Ответственный"],
    ],
)
def test_contacts_of_bitrix24_are_understood_as_they_are(db, headers):
    meant = guess(headers, columns_of("contacts"))
    assert list(meant.values()) == ["given", "family", "phone", "mobile", "email", "company", "owner"]


def test_deals_of_bitrix24_are_understood_as_they_are(world):
    headers = [
        "ID",
        "Stage",
        "Deal name",
        "Amount",
        "Currency",
        "Company",
        "Contact",
        "Responsible",
        "Expected close date",
    ]
    meant = guess(headers, columns_of("items", world.pipeline))
    assert list(meant.values()) == [
        "external_id",
        "stage",
        "title",
        "amount",
        "currency",
        "company",
        "contact_name",
        "owner",
        "due_date",
    ]


def test_a_file_whose_columns_mean_nothing_asks_which_one_is_the_name(world, bob):
    bob.post("/import/", {"what": "companies", "file": SimpleUploadedFile("x.csv", b"foo,bar\n1,2\n")})
    work = Import.objects.get()
    answer = bob.post(f"/import/{work.pk}/", {"duplicates": "skip", "column_0": ""})
    assert answer.status_code == 422
    assert "Choose at least one of these" in answer.content.decode()


# ---------------------------------------------------------------------- taking in


def test_the_check_changes_nothing_and_says_what_would_happen(world, bob, bring):
    text = "name,email\nHằng,HANG@example.com\nNew One,new@example.com\nWrong,not-an-address\n"
    work = bring(text, only_check=True)
    assert Contact.objects.count() == 1
    assert work.counts()["skipped"] == work.counts()["created"] == work.counts()["failed"] == 1
    page = bob.get(f"/import/{work.pk}/").content.decode()
    assert "Import 1 row" in page
    assert "“not-an-address” is not an e-mail address." in page


def test_contacts_come_in_with_phones_addresses_company_owner_and_tags(world, bring):
    text = (
        "First name;Last name;Mobile;Work Phone;Work E-mail;Company;Responsible person;Tags\n"
        "Łucja;Żółć;601 234 567;+48 22 123 45 67;lucja@example.com;Dąb sp. z o.o.;Alice Head;vip, oak\n"
    )
    work = bring(text)
    assert work.status == "done", work.error
    contact = Contact.objects.get(name="Łucja Żółć")
    assert [(p.number, p.kind) for p in contact.phones.all()] == [("+48601234567", "mobile"), ("+48221234567", "work")]
    assert (contact.email(), contact.company.name, contact.owner) == (
        "lucja@example.com",
        "Dąb sp. z o.o.",
        world.alice,
    )
    assert sorted(tag.name for tag in contact.tags.all()) == ["oak", "vip"]


@pytest.mark.parametrize(
    ("duplicates", "people", "name"),
    [("skip", 1, "Nguyễn Thị Hằng"), ("update", 1, "Hằng N."), ("create", 2, "Nguyễn Thị Hằng")],
)
def test_what_is_known_is_left_written_or_made_again_as_chosen(world, bring, duplicates, people, name):
    bring("name,email,phone\nHằng N.,hang@example.com,+48 601 234 567\n", duplicates=duplicates)
    assert Contact.objects.count() == people
    contact = Contact.objects.get(pk=world.contact.pk)
    assert contact.name == name
    assert contact.phones.filter(number="+48601234567").exists() is (duplicates == "update")


def test_the_same_person_twice_in_one_file_is_one(world, bring):
    bring("name,email\nAnna,anna@example.com\nAnna K.,ANNA@example.com\n")
    assert Contact.objects.filter(emails__address="anna@example.com").count() == 1


def test_companies_are_known_by_their_tax_number(world, bring):
    Company.objects.create(name="Old name", tax_number="5252000001")
    bring("Company name,Tax ID,City\nNew name,5252000001,x\nOther,111,y\n", "companies", duplicates="update")
    assert sorted(Company.objects.values_list("name", flat=True)) == ["New name", "Other"]


DEALS = (
    "ID,Deal name,Stage,Amount,Currency,Contact,E-mail,Company,Created on,Expected close date\n"
    '1,Oak table,Talk,"1 234,50",PLN,Hằng,hang@example.com,,2025-03-04 10:00,31.12.2026\n'
    "2,Chairs,Won,900,EUR,New Man,man@example.com,Dąb,,\n"
    "3,Bench,Nowhere,1,PLN,,,,,\n"
)


def test_deals_come_in_with_stage_amount_customer_and_dates(world, bring):
    work = bring(DEALS, deals(world))
    table, chairs = Item.objects.order_by("external_id")
    assert (table.stage.name, table.amount, table.contact) == ("Talk", Decimal("1234.50"), world.contact)
    assert (table.created_at.year, table.due_date.isoformat()) == (2025, "2026-12-31")
    assert (chairs.stage.name, chairs.company.name, chairs.contact.name) == ("Won", "Dąb", "New Man")
    assert chairs.closed_at is not None
    assert work.rows.get(outcome="failed").reason == "stage: “Nowhere” is not a stage of this pipeline."


def test_with_rules_off_nothing_starts_and_nobody_is_told(world, bring):
    world.rule("talk", "send_email", {"subject": "Hi", "text": "x"})
    world.rule("new")
    Webhook.objects.create(name="All", url="https://example.com/", kinds=["item.created"], owner=world.alice)
    bring(DEALS, deals(world))
    assert Item.objects.count() == 2
    assert (Run.objects.count(), Message.objects.count(), WebhookDelivery.objects.count()) == (0, 0, 0)


def test_with_rules_on_the_page_says_how_many_messages_that_can_be_and_they_start(world, bob, bring):
    world.rule("new", "send_email", {"subject": "Hi", "text": "x", "to": "contact"})
    world.rule("new")
    text = "title,e-mail\nOne,a@example.com\nTwo,b@example.com\n"
    work = bring(text, deals(world), only_check=True, start_rules="on")
    page = bob.get(f"/import/{work.pk}/").content.decode()
    assert "start for 2 cards" in page
    assert "That can be 2 messages." in page
    bob.post(f"/import/{work.pk}/step/", {"step": "import"})
    from crm.work.queue import drain_all

    drain_all()
    assert Run.objects.count() == 4


def test_known_deals_are_updated_without_being_moved(world, bring):
    item = world.deal("Old", external_id="1", amount=Decimal("5"))
    bring(DEALS, deals(world), duplicates="update")
    item.refresh_from_db()
    assert (item.title, item.amount, item.stage.name) == ("Oak table", Decimal("1234.50"), "New")


def test_a_worker_that_stops_between_two_rows_goes_on_where_it_was(world, bring, monkeypatch):
    monkeypatch.setattr(working, "SLICE_SECONDS", 0.0)
    work = bring("name\n" + "".join(f"Person {n}\n" for n in range(30)))
    assert work.counts()["created"] == 30
    assert Job.objects.filter(kind="import").count() >= 30, "a job for each slice of time"
    assert Contact.objects.filter(name__startswith="Person").count() == 30


def test_a_second_click_does_not_import_twice(world, bob, bring):
    work = bring("name\nOnce\n")
    bob.post(f"/import/{work.pk}/step/", {"step": "import"})
    assert Contact.objects.filter(name="Once").count() == 1


def test_while_it_works_the_page_asks_for_its_progress_and_then_for_the_result_alone(world, bob, bring):
    work = bring("name\nA\n")
    Import.objects.filter(pk=work.pk).update(status="running")
    part = bob.get(f"/import/{work.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<progress" in part
    Import.objects.filter(pk=work.pk).update(status="done")
    part = bob.get(f"/import/{work.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "What happened" in part
    assert "<nav" not in part


def test_the_same_number_twice_in_one_cell_is_one(world, bring):
    work = bring("name,phone,email\nAnna,601 234 567; +48601234567,a@x.pl; A@x.pl\n")
    assert work.counts()["created"] == 1
    contact = Contact.objects.get(name="Anna")
    assert (contact.phones.count(), contact.emails.count()) == (1, 1)


def test_a_cell_that_is_too_long_for_its_column_is_cut_and_spoils_no_other(world, bring):
    work = bring("name,how to address\nAnna,x\nBert," + "y" * 90 + "\n")
    assert work.status == "done"
    assert work.counts()["created"] == 2


@pytest.mark.parametrize(
    ("days", "date"), [("03/04/2024,03/25/2024", "2024-03-04"), ("03/04/2024,25/03/2024", "2024-04-03")]
)
def test_a_column_of_dates_says_by_itself_whether_the_month_comes_first(world, bring, days, date):
    first, second = days.split(",")
    bring(f"title,due date\nA,{first}\nB,{second}\n", deals(world))
    assert Item.objects.get(title="A").due_date.isoformat() == date


def test_firms_of_one_name_with_different_tax_numbers_are_two(world, bring):
    Company.objects.create(name="ABC", tax_number="111")
    bring("Company name,Tax ID\nABC,222\n", "companies", duplicates="update")
    assert sorted(Company.objects.values_list("tax_number", flat=True)) == ["111", "222"]


def test_the_warning_counts_the_rules_of_each_rows_own_stage(world, bob, bring):
    world.rule("talk", "send_email", {"subject": "Hi", "text": "x", "to": "contact"})
    work = bring("title,stage\nOne,Talk\nTwo,Talk\nThree,New\n", deals(world), only_check=True, start_rules="on")
    page = bob.get(f"/import/{work.pk}/").content.decode()
    assert "“Talk” start for 2 cards" in page
    assert "That can be 2 messages." in page


def test_our_own_export_comes_back_without_meeting_cards_of_another_number(world, bob, bring):
    item = world.deal("Mine", external_id="")
    world.deal("Theirs", external_id=str(item.pk))
    text = b"".join(bob.get(f"/board/{world.pipeline.pk}/export.csv").streaming_content)
    bring(text, deals(world), duplicates="update")
    assert Item.objects.get(external_id=str(item.pk)).title == "Theirs"


def test_an_import_that_stopped_halfway_goes_on_or_is_taken_back(world, bob, bring, drain):
    work = bring("name\nA\nB\n")
    Import.objects.filter(pk=work.pk).update(status="failed", phase="running", position=1)
    ImportRow.objects.filter(parent=work, number=2).update(outcome="", contact=None)
    Contact.objects.filter(name="B").delete()
    assert "Go on" in bob.get(f"/import/{work.pk}/").content.decode()
    bob.post(f"/import/{work.pk}/step/", {"step": "go_on"})
    drain()
    assert Contact.objects.filter(name__in=("A", "B")).count() == 2
    bob.post(f"/import/{work.pk}/step/", {"step": "revert"})
    drain()
    assert not Contact.objects.filter(name__in=("A", "B")).exists()


def test_a_small_spreadsheet_with_a_cell_far_away_takes_no_memory_of_ours(world):
    far = io.BytesIO()
    with xlsxwriter.Workbook(far) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "name")
        sheet.write(1_048_575, 16_383, "far")
    with pytest.raises(reading.CannotRead):
        reading.read(far.getvalue())


# ---------------------------------------------------------------------- taking back


def test_who_was_merged_with_an_imported_double_stays(world, bob, bring, drain):
    from crm.customers import merging

    world.contact.items.all().delete()
    work = bring("name\nHằng again\n", duplicates="create")
    double = Contact.objects.get(name="Hằng again")
    merging.merge(world.contact, double, {}, by=world.bob)
    bob.post(f"/import/{work.pk}/step/", {"step": "revert"})
    drain()
    assert Contact.objects.filter(pk=world.contact.pk).exists()


def test_a_card_out_of_the_bin_still_has_its_customer(world, bob, bring, drain):
    work = bring("title,e-mail\nDeal,hang@example.com\n", deals(world))
    bob.post(f"/import/{work.pk}/step/", {"step": "revert"})
    drain()
    item = Item.objects.get(title="Deal")
    item.restore(by=world.bob)
    assert Item.objects.get(title="Deal").contact == world.contact


def test_without_the_right_to_delete_nothing_is_taken_back(world, bob, bring, drain):
    from crm.models import RoleRight

    work = bring("title\nDeal\n", deals(world))
    right = RoleRight.objects.get()
    right.may_delete = Scope.NONE
    right.save()
    bob.post(f"/import/{work.pk}/step/", {"step": "revert"})
    drain()
    assert Item.objects.alive().filter(title="Deal").exists()
    assert "may not delete" in ImportRow.objects.get(parent=work).reason


def test_an_import_is_taken_back_what_people_built_on_stays(world, bob, bring, drain):
    work = bring(
        "Contact,E-mail,Company,Deal name\nMan A,a@example.com,Dąb,Deal A\nMan B,b@example.com,,Deal B\n", deals(world)
    )
    kept = Contact.objects.get(name="Man B")
    world.deal("Later deal", contact=kept)
    bob.post(f"/import/{work.pk}/step/", {"step": "revert"})
    drain()
    work.refresh_from_db()
    assert work.status == "reverted"
    assert set(Item.objects.alive().values_list("title", flat=True)) == {"Later deal"}
    assert Item.objects.exclude(deleted_at=None).count() == 2, "cards are in the recycle bin"
    assert set(Contact.objects.values_list("name", flat=True)) == {world.contact.name, "Man B"}
    assert "was kept" in bob.get(f"/import/{work.pk}/").content.decode()


def test_values_that_an_import_wrote_go_back_those_changed_since_stay(world, bob, bring, drain):
    item = world.deal("Old", external_id="1", amount=Decimal("5"), source="fair")
    work = bring("ID,Deal name,Amount,Source\n1,New,7,web\n", deals(world), duplicates="update")
    Item.objects.get(pk=item.pk).change({"source": "hand"}, by=world.bob)
    bob.post(f"/import/{work.pk}/step/", {"step": "revert"})
    drain()
    item.refresh_from_db()
    assert (item.title, item.amount, item.source) == ("Old", Decimal("5.00"), "hand")


def test_a_person_named_twice_in_one_file_is_taken_back_once(world, bob, bring, drain):
    work = bring("name,email\nAnna,anna@example.com\nAnna K.,anna@example.com\n", duplicates="update")
    assert [row.outcome for row in work.rows.all()] == ["created", "updated"]
    bob.post(f"/import/{work.pk}/step/", {"step": "revert"})
    drain()
    work.refresh_from_db()
    assert work.status == "reverted"
    assert not Contact.objects.filter(emails__address="anna@example.com").exists()


def test_after_seven_days_there_is_no_way_back(world, bob, bring, drain):
    from datetime import timedelta

    from crm.ground import clock

    work = bring("name\nLate\n")
    with clock.at(clock.now() + timedelta(days=8)):
        assert "Take it all back" not in bob.get(f"/import/{work.pk}/").content.decode()
        bob.post(f"/import/{work.pk}/step/", {"step": "revert"})
    assert Import.objects.get(pk=work.pk).status == "done"


# ---------------------------------------------------------------------- bad input, rights


def test_a_file_of_200_megabytes_is_refused_by_its_announced_length(world, bob, settings):
    settings.UPLOAD_MAX_BYTES = 1024
    answer = bob.post("/import/", {"what": "contacts", "file": SimpleUploadedFile("big.csv", b"name\n" + b"x" * 2000)})
    assert answer.status_code == 400
    assert not Import.objects.exists()


def test_a_path_in_the_files_name_is_only_a_name(world, bring):
    assert bring("name\nA\n", name="../../etc/passwd.csv").name == "passwd.csv"
    assert bring("name\nB\n", name="..\\..\\evil.csv").name == "evil.csv"


def test_formulas_come_in_as_texts_and_leave_harmless(world, bob, bring):
    bring('name,email\n"=HYPERLINK(""http://x"")",f@example.com\n')
    assert Contact.objects.filter(name__startswith="=HYPER").exists()
    text = b"".join(bob.get("/contacts/export.csv").streaming_content).decode()
    assert "'=HYPERLINK" in text


def test_wrong_rows_are_handed_back_as_a_file_with_the_reason(world, bob, bring):
    work = bring("name,email\nA,nope\nB,b@example.com\n")
    text = b"".join(bob.get(f"/import/{work.pk}/wrong.csv").streaming_content).decode()
    assert "“nope” is not an e-mail address." in text
    assert "b@example.com" not in text


def test_imports_of_others_are_not_there(world, bring, client):
    work = bring("name\nA\n")
    client.force_login(world.charlie)
    for url in (f"/import/{work.pk}/", f"/import/{work.pk}/wrong.csv"):
        assert client.get(url).status_code == 404
    assert client.post(f"/import/{work.pk}/step/", {"step": "revert"}).status_code == 404
    assert b"list.csv" not in client.get("/import/").content


def test_without_the_right_to_add_a_pipeline_is_not_offered(world, bob):
    world.role(world.charlie)
    from crm.models import RoleRight

    RoleRight.objects.filter(role__name="Sales people").update(may_add=Scope.NONE)
    RoleRight.objects.filter(role__name="Sales people").get().save()
    page = bob.get("/import/").content.decode()
    assert f"items:{world.pipeline.pk}" not in page
    answer = bob.post("/import/", {"what": deals(world), "file": SimpleUploadedFile("d.csv", DEALS.encode())})
    assert answer.status_code == 422


def test_the_export_as_a_spreadsheet_holds_numbers_as_numbers_and_no_formulas(world, bob):
    world.deal("=1+1", amount=Decimal("12.50"))
    answer = bob.get(f"/board/{world.pipeline.pk}/export.xlsx")
    content = b"".join(answer.streaming_content)
    table = reading.read(content)
    assert table.rows[0][2] == "=1+1"
    assert "12.5" in table.rows[0]
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert b"<f>" not in packed.read("xl/worksheets/sheet1.xml")


def test_rows_are_only_ever_marked_once(world, bring):
    work = bring("name\nA\nB\n")
    assert ImportRow.objects.filter(parent=work, outcome="created").count() == 2


def test_a_row_that_fails_late_takes_nothing_of_the_next_ones_along(world, bring, monkeypatch):
    """Its customer and firm were made and rolled back; the next row with the same ones makes them again."""
    from crm.models import RoleRight

    right = RoleRight.objects.get()
    right.may_add = Scope.OWN
    right.save()
    text = "title,owner,contact,e-mail,company\nA,Alice Head,Man,m@x.pl,Firm\nB,Bob Seller,Man,m@x.pl,Firm\n"
    work = bring(text, deals(world))
    assert [row.outcome for row in work.rows.all()] == ["failed", "created"]
    item = Item.objects.get(title="B")
    assert (item.contact.email(), item.company.name) == ("m@x.pl", "Firm")


# ---------------------------------------------------------------------- how people and other systems write


def test_amounts_and_dates_are_read_as_people_write_them_and_the_check_shows_how(world, bob, bring, drain):
    made = bring((TABLES / "amounts-and-dates.csv").read_bytes(), deals(world), only_check=True)
    page = bob.get(f"/import/{made.pk}/").content.decode()
    for shown in ("12,500 PLN", "12,000", "2,500,000", "1,234.56 PLN", "1,234.5", "31 Dec 2026", "5 Mar 2026"):
        assert shown in page, shown
    assert "“12 h” is not an amount." in page
    bob.post(f"/import/{made.pk}/step/", {"step": "import"})
    drain()
    found = {item.title: (item.amount, str(item.due_date)) for item in Item.objects.all()}
    assert found == {
        "Bookshelf": (Decimal("12500"), "2026-12-31"),
        "Sofa": (Decimal("12000"), "2026-12-31"),
        "Bed": (Decimal("2500000"), "2026-03-05"),
        "Desk": (Decimal("1234.56"), "2026-03-05"),
        "Lamp": (Decimal("1234.50"), "2026-03-05"),
    }
    assert "“12 h” is not an amount." in made.rows.get(outcome="failed").reason


def test_one_order_of_day_and_month_holds_for_all_columns_of_a_file(world, bring):
    CustomField.objects.create(target="item", key="visit_at", label="Visit at (own date-time field)", type="datetime")
    CustomField.objects.create(target="item", key="made_on", label="Made on (own date field)", type="date")
    made = bring((TABLES / "us-dates.csv").read_bytes(), deals(world))
    assert made.date_order == "mdy"
    table = Item.objects.get(title="Table")
    assert str(table.due_date) == table.custom["made_on"] == "2026-03-04"
    assert table.custom["visit_at"].startswith("2026-03-04T")


def test_an_order_that_the_file_does_not_tell_is_asked_for(world, bob, bring):
    text = "Title,Close date\nTable,03/04/2026\n"
    bob.post("/import/", {"what": deals(world), "file": SimpleUploadedFile("list.csv", text.encode())})
    made = Import.objects.latest("pk")
    form = {f"column_{place}": key for place, key in made.mapping.items()} | {"duplicates": "skip"}
    asked = bob.post(f"/import/{made.pk}/", form)
    assert asked.status_code == 422
    assert "Does “03/04/2026” begin with the day or the month?" in asked.content.decode()
    assert bob.post(f"/import/{made.pk}/", form | {"date_order": "mdy"}).status_code == 302


def test_a_bad_second_phone_does_not_cost_the_row_and_a_slash_within_a_number_parts_nothing(world, bob, bring):
    made = bring("Name;Phone\nAda;601 234 567 / no phone\nEve;022/6281234\nIda;no phone\n")
    assert [str(row) for row in Contact.objects.get(name="Ada").phones.all()] == ["+48 601 234 567"]
    assert Contact.objects.get(name="Eve").phones.get().number == "+48226281234"
    assert "“no phone” is not a phone number. It was left out." in bob.get(f"/import/{made.pk}/").content.decode()
    assert made.rows.get(number=3).outcome == "failed"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_sixteen_bit_files_are_read_with_and_without_their_mark(encoding):
    table = reading.read("Name;Phone\nZażółć Gęślą;601 234 567\n".encode(encoding))
    assert table.rows == [["Zażółć Gęślą", "601 234 567"]]


def test_the_separator_that_the_first_line_names_is_obeyed():
    assert reading.read(b"sep=;\nName;Sum\nA,B;1,5\n").rows == [["A,B", "1,5"]]


def test_numbers_of_a_spreadsheet_stay_what_they_are(world, bring):
    book = xlsx([["Title", "Amount"], ["A", 1.234], ["B", 1234.5], ["C", 1e6]])
    bring(book, deals(world), name="list.xlsx")
    found = dict(Item.objects.values_list("title", "amount"))
    assert found == {"A": Decimal("1.23"), "B": Decimal("1234.50"), "C": Decimal("1000000")}


@pytest.mark.parametrize(
    "headers",
    [
        "Deal Name,Amount,Currency,Deal Stage,Deal owner,Close Date,Associated Contact,Associated Company",  # HubSpot
        "Deal - Title,Deal - Value,Deal - Currency,Deal - Stage,Deal - Owner,Deal - Expected close date,"
        "Deal - Contact person,Deal - Organization",  # Pipedrive
        "Opportunity Name,Amount,Amount Currency,Stage,Opportunity Owner,Close Date,Primary Contact,Account Name",
        "Deal Name,Amount,Currency,Stage,Deal Owner,Closing Date,Contact Name,Account Name",  # Zoho
        "Opportunity,Expected Revenue,Currency,Stage,Salesperson,Expected Closing,Contact Name,Company Name",  # Odoo
    ],
)
def test_the_columns_of_other_systems_deals_are_known(world, headers):
    found = guess(headers.split(","), columns_of("items", world.pipeline))
    expected = ["title", "amount", "currency", "stage", "owner", "due_date", "contact_name", "company"]
    assert list(found.values()) == expected


@pytest.mark.parametrize(
    "headers",
    [
        "First Name,Last Name,Email,Phone Number,Mobile Phone Number,Company Name,Contact owner",  # HubSpot
        "First Name,Last Name,Email,Phone,Mobile,Account Name,Contact Owner",  # Salesforce, Zoho
    ],
)
def test_the_columns_of_other_systems_contacts_are_known(world, headers):
    found = guess(headers.split(","), columns_of("contacts"))
    assert list(found.values()) == ["given", "family", "email", "phone", "mobile", "company", "owner"]


def test_the_columns_of_a_pipedrive_and_an_odoo_contact_are_known(world):
    theirs = "Person - Name,Person - Email - Work,Person - Phone - Work,Person - Organization,Person - Owner"
    for headers in (theirs, "Complete Name,Email,Phone,Related Company,Salesperson"):
        found = guess(headers.split(","), columns_of("contacts"))
        assert list(found.values()) == ["name", "email", "phone", "company", "owner"]
