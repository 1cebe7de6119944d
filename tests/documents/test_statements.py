"""Bank statements: any bank's columns, any encoding; matched by number, amount and payer, booked when somebody says so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.models import Contact, Item
from documents import statements
from documents.models import Payment, StatementLine


def invoices_of(world, papers, count):
    made = []
    for number in range(count):
        world.deal(title=f"Deal {number}", currency="PLN", amount=100 + number)
        deal = Item.objects.order_by("-pk")[0]
        made.append(papers.flow.make_invoice(deal, papers.templates["invoice"], by=world.bob))
    return made


MBANK = """mBank S.A.;;;;
Klient;Dębowy Dom;;;

#Data księgowania;#Opis operacji;#Kwota;#Waluta;#Nadawca/Odbiorca
2026-11-16;"Zapłata za {one} dziękuję";1 100,00;PLN;"ŻÓŁĆ SP. Z O.O."
2026-11-16;"przelew {two}";50,00;PLN;Ktoś
2026-11-17;"prowizja";-12,00;PLN;mBank
2026-11-17;"bez numeru";102,00;PLN;"NGUYỄN THỊ HOA"
2026-11-17;"bez niczego";7,00;PLN;"Ktoś inny"
2026-11-18;"źle";abc;PLN;x
;;Suma;1247,00;
"""


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-8", "cp1250"])
def test_lines_are_matched_by_number_amount_and_payer(encoding, world, papers):
    (first, one), (second, two), (third, _three) = invoices_of(world, papers, 3)
    first.change({"amount": Decimal(1100)}, by=world.bob)
    Item.objects.filter(pk=third.pk).update(contact=Contact.objects.create(name="Nguyen Thi Hoa"))
    text = MBANK.format(one=one.number.replace("/", " "), two=two.number)
    if encoding == "cp1250":
        text = text.replace("NGUYỄN THỊ HOA", "NGUYEN THI HOA")
    taken = statements.take_in(text.encode(encoding), "mbank.csv", world.bob, encoding)
    assert (taken.fresh, taken.known, len(taken.faults)) == (4, 0, 1)
    assert "abc" in taken.faults[0]
    lines = list(taken.statement.lines.all())
    assert [(line.match, line.invoice_id) for line in lines] == [
        ("sure", first.pk),
        ("number", second.pk),
        ("payer", third.pk),
        ("none", None),
    ]
    assert lines[0].payer == "ŻÓŁĆ SP. Z O.O."
    again = statements.take_in(text.encode(encoding), "again.csv", world.bob, encoding)
    assert (again.fresh, again.known) == (0, 4)


@pytest.mark.django_db
def test_a_number_within_a_longer_one_is_not_meant(world, papers):
    made = invoices_of(world, papers, 12)
    first, last = made[0], made[10]
    prefix = first[1].number[: len(first[1].number) - 1]
    assert last[1].number.startswith(prefix)
    text = f"Date;Amount;Description\n2026-11-16;110,00;{last[1].number}\n2026-11-16;1,00;x{first[1].number}9\n"
    taken = statements.take_in(text.encode(), "x.csv", world.bob)
    assert [line.invoice_id for line in taken.statement.lines.all()] == [last[0].pk, None]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "words"),
    [("Name;Wiek\nA;1\n", "No column for: date, amount"), ("", "header"), ("Date;Amount\n2026-13-45;1\n", "Line 2")],
)
def test_a_file_that_is_no_statement_is_refused_in_words(text, words, world, papers):
    with pytest.raises(statements.CannotTake, match=words):
        statements.take_in(text.encode(), "x.csv", world.bob)


@pytest.mark.django_db
def test_a_colleague_reads_looks_and_books(world, papers, client):
    (first, one), (second, two) = invoices_of(world, papers, 2)
    world.role(world.bob, pipeline=papers.flow.pipeline)
    client.force_login(world.bob)
    text = (
        f"Booking date;Credit;Debit;Details\n11/16/2026;100.00;;{one.number}\n11/17/2026;60.00;;?\n11/17/2026;;9.00;x\n"
    )
    file = SimpleUploadedFile("bank.csv", text.encode())
    page = client.post("/payments/statements/", {"file": file, "encoding": ""}, follow=True)
    assert page.status_code == 200
    sure, other = StatementLine.objects.order_by("pk")
    address = page.request["PATH_INFO"]
    refused = client.post(address, {"line": [sure.pk, other.pk], f"invoice_{sure.pk}": one.number, "do": "book"})
    assert refused.status_code == 422
    assert "Write the number" in refused.content.decode()
    payment = Payment.objects.get()
    assert (payment.invoice, payment.amount, str(payment.paid_on)) == (first, Decimal(100), "2026-11-16")
    data = {"line": [other.pk], f"invoice_{other.pk}": two.number.lower(), "do": "book"}
    assert client.post(address, data).status_code == 302
    assert client.post(address, data).status_code == 302  # twice is once
    assert Payment.objects.filter(invoice=second).count() == 1
    client.force_login(world.charlie)
    assert client.get(address).status_code in (403, 404)


@pytest.mark.django_db
def test_both_columns_filled_signs_for_currencies_and_a_proposal_that_was_wiped_out(world, papers, client):
    (first, one), (second, two) = invoices_of(world, papers, 2)
    world.role(world.bob, pipeline=papers.flow.pipeline)
    client.force_login(world.bob)
    text = (
        "Date;Debit;Credit;Currency;Description\n"
        f"2026-11-16;0,00;100,00;zł;{one.number}\n2026-11-16;-;101,00;PLN;{two.number}\n2026-11-16;5,00;-;PLN;fee\n"
    )
    taken = statements.take_in(text.encode(), "x.csv", world.bob)
    sure = list(taken.statement.lines.all())
    assert [(line.currency, line.match, line.invoice_id) for line in sure] == [
        ("PLN", "sure", first.pk),
        ("PLN", "sure", second.pk),
    ]
    data = {"line": [sure[0].pk], f"invoice_{sure[0].pk}": "", "do": "book"}
    assert client.post(f"/payments/statements/{taken.statement.pk}/", data).status_code == 422
    assert not Payment.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "heads",
    [
        "Ngày giao dịch;Số tiền ghi nợ;Số tiền ghi có;Nội dung",
        "Data operacji;Kwota obciążenia;Kwota uznania;Tytuł",
        "Date;Montant (débit);Montant (crédit);Libellé",
        "Date;Debit;Credit;Details;Amount",
    ],
)
def test_money_that_goes_is_not_taken_for_money_that_comes(heads, world, papers):
    text = f"{heads}\n2026-11-16;1500000;;out;\n2026-11-17;;900000;in;\n"
    taken = statements.take_in(text.encode(), "x.csv", world.bob)
    assert [(line.amount, line.text) for line in taken.statement.lines.all()] == [(Decimal(900000), "in")]


@pytest.mark.django_db
def test_open_lines_that_a_colleague_read_go_to_who_reads_the_file_next(world, papers):
    (first, one), _second = invoices_of(world, papers, 2)
    text = f"Date;Amount;Details\n2026-11-16;100,00;{one.number}\n2026-11-17;5,00;?\n"
    statements.take_in(text.encode(), "a.csv", world.alice)
    booked = StatementLine.objects.get(invoice=first)
    booked.dismissed = True
    booked.save()
    taken = statements.take_in(text.encode(), "b.csv", world.bob)
    assert (taken.fresh, taken.known) == (0, 2)
    assert [line.text for line in taken.statement.lines.all()] == ["?"]


@pytest.mark.django_db
def test_a_line_that_names_a_paid_invoice_says_so_and_one_within_a_longer_number_does_not(world, papers):
    (first, one), (_second, two) = invoices_of(world, papers, 2)
    Payment.book(first, first.amount, currency="PLN", paid_on=date(2026, 11, 15), by=world.bob)
    text = (
        f"Date;Amount;Details\n2026-11-16;100,00;for {one.number.replace('/', ' ')}.\n2026-11-16;101,00;{two.number}0\n"
    )
    taken = statements.take_in(text.encode(), "x.csv", world.alice)
    assert [(line.match, line.invoice_id) for line in taken.statement.lines.all()] == [
        ("paid", first.pk),
        ("none", None),
    ]
    assert not StatementLine.objects.exclude(payment=None).exists()
