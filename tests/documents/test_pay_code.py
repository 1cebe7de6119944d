"""Codes that banking apps read, against the examples of their rules."""

from decimal import Decimal

import pytest

from crm.models import OwnCompany
from documents.models import Document
from documents.pay_code import _crc, pay_code


def own(**more):
    return OwnCompany(name="Dębowy Dom Sp. z o.o. Kraków", **more)


def test_a_transfer_in_euro_is_an_epc_code():
    code = pay_code(
        own(account="FR14 2004 1010 0505 0001 3M02 606", bic="PSSTFRPPLYO"), Decimal("12.3"), "EUR", "FAC/1"
    )
    assert code.split("\n") == [
        "BCD", "002", "1", "SCT", "PSSTFRPPLYO", "Dębowy Dom Sp. z o.o. Kraków", "FR1420041010050500013M02606", "EUR12.30",
        "", "", "FAC/1",
    ]  # fmt: skip


def test_a_polish_transfer_has_its_nine_parts():
    code = pay_code(
        own(account="PL61 1090 1014 0000 0712 1981 2874", tax_number="525-000-11-22"),
        Decimal("799.49"),
        "PLN",
        "FV/2026",
    )
    assert code == "5250001122|PL|61109010140000071219812874|079949|Dębowy Dom Sp. z o.o|FV/2026|||"


def test_a_vietnamese_transfer_is_an_emv_code_with_its_sum():
    code = pay_code(own(account="0123 4567 8901", bic="970403"), Decimal("79000"), "VND", "Hoá đơn HD/1")
    assert code.startswith("00020101021238560010A0000007270126000697040301120123456789010208QRIBFTTA5303704540579000")
    assert "HOA DON HD/1" in code
    assert code[-4:] == f"{_crc(code[:-4]):04X}"
    assert _crc("123456789") == 0x29B1  # the check value of CRC-16/CCITT-FALSE


@pytest.mark.parametrize(
    ("account", "bic", "amount", "currency"),
    [
        ("", "", "10", "EUR"), ("FR14 2004 1010 0505 0001 3M02 606", "", "0", "EUR"), ("12345", "", "10", "EUR"),
        ("PL61 1090 1014 0000 0712 1981 2874", "", "10000", "PLN"), ("0123456789", "VIDUVNVX", "1", "VND"),
        ("GB82 WEST 1234 5698 7654 32", "", "10", "GBP"),
    ],
)  # fmt: skip
def test_where_there_is_no_such_code_there_is_none(account, bic, amount, currency):
    assert pay_code(own(account=account, bic=bic), Decimal(amount), currency, "x") == ""


@pytest.mark.django_db
def test_the_invoice_shows_its_code(world, papers, drain):
    OwnCompany.objects.update(account="PL61 1090 1014 0000 0712 1981 2874")
    _invoice, document = papers.flow.make_invoice(papers.deal, papers.templates["invoice"], by=world.bob)
    drain()
    document = Document.objects.get(pk=document.pk)
    assert "asset:payment_qr" in document.html
    assert f"|133908|Dębowy Dom|{document.number}|||" in document.data["codes"]["payment_qr"]
    assert document.status == "ready"
