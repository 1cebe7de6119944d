"""What a banking app reads from a QR code to fill in a transfer, by country of the account."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import segno

from crm.ground.folding import fold

if TYPE_CHECKING:
    from crm.models import OwnCompany


def pay_code(own: OwnCompany | None, amount: Decimal, currency: str, reference: str) -> str:
    """The text of the code; empty where the account, currency or country has no such code.

    EUR to an IBAN: EPC069-12 (SEPA). PLN to a Polish account: the recommendation of the Polish banks' association on
    2D codes. VND: VietQR by NAPAS, an EMVCo merchant code; the own company's BIC is the bank's six-digit number there.
    """
    if own is None or amount <= 0:
        return ""
    account = re.sub(r"[\s-]", "", own.account).upper()
    if currency == "EUR" and re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}", account):
        return _epc(own, account, amount, reference)
    if currency == "PLN" and re.fullmatch(r"(PL)?\d{26}", account):
        return _polish(own, account.removeprefix("PL"), amount, reference)
    if currency == "VND" and re.fullmatch(r"\d{6}", own.bic.strip()) and re.fullmatch(r"[A-Z0-9]{4,19}", account):
        return _viet(own, account, amount, reference)
    return ""


def _epc(own: OwnCompany, account: str, amount: Decimal, reference: str) -> str:
    if amount > Decimal("999999999.99"):
        return ""
    bic = re.sub(r"\s", "", own.bic)
    lines = ("BCD", "002", "1", "SCT", bic, own.name[:70], account, f"EUR{amount:.2f}", "", "", reference[:140])
    return "\n".join(lines)


def _polish(own: OwnCompany, account: str, amount: Decimal, reference: str) -> str:
    tax_number = re.sub(r"\D", "", own.tax_number)[:10]
    cents = f"{int(amount * 100):06d}"
    if len(cents) > 6:
        return ""  # the form has six places: at most 9999.99
    name, title = (re.sub(r"\|", " ", text) for text in (own.name[:20], reference[:32]))
    return f"{tax_number}|PL|{account}|{cents}|{name}|{title}|||"


def _viet(own: OwnCompany, account: str, amount: Decimal, reference: str) -> str:
    bank = _field("00", own.bic.strip()) + _field("01", account)
    to = _field("00", "A000000727") + _field("01", bank) + _field("02", "QRIBFTTA")
    # Letters without marks: what every banking app takes.
    words = re.sub(r"[^A-Za-z0-9 /.-]", "", fold(reference))[:25].upper()
    text = _field("00", "01") + _field("01", "12") + _field("38", to) + _field("53", "704")
    text += _field("54", f"{amount:.0f}") + _field("58", "VN") + _field("62", _field("08", words)) + "6304"
    return text + f"{_crc(text):04X}"


def _field(number: str, value: str) -> str:
    return f"{number}{len(value):02d}{value}"


def _crc(text: str) -> int:
    """CRC-16/CCITT-FALSE, as EMVCo asks for."""
    crc = 0xFFFF
    for byte in text.encode("ascii"):
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def picture(code: str) -> bytes:
    """The code as SVG, with the correction level that the rules of all three ask for (M)."""
    out = io.BytesIO()
    segno.make(code, error="m", micro=False, encoding="utf-8").save(out, kind="svg", border=2, scale=4)
    return out.getvalue()
