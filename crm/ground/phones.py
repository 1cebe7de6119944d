"""Phone numbers: typed in any habit, stored as E.164, shown as the country writes them."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
from babel.core import get_global
from django.core.exceptions import ValidationError

from crm import slots
from crm.ground.amounts import plain
from crm.ground.folding import fold
from crm.ground.sentences import said

# Folded: "wew. 12", "ext 12", "x12", "poste 12", "máy lẻ 12", "Durchwahl 12", "#12", and RFC 3966's own.
_EXTENSION = re.compile(
    r"(?:;ext=|\b(?:wew(?:netrzny)?|ext(?:ension)?|extn|poste|may le|nhanh|durchwahl|dw|int)\b|(?<=[\d ])x|#)"
    r"[.: ]*(\d{1,7})$"
)
LONGEST = 80  # characters; no number has more, its words included
_SHAPE = re.compile(r"[+(]?[\d(][\d\s()./+-]{1,38}")


class PhoneNumber(str):
    """E.164 as text, with what else was typed. What compares, looks up or keeps the text sees the number alone.

    Args:
        extension: digits dialled once it is answered, or empty.
        is_checked: whether numbering plans know it; else it only has a possible length, and gets no SMS until a person
            confirms it.
    """

    extension: str
    is_checked: bool

    def __new__(cls, number: str, extension: str = "", is_checked: bool = True) -> PhoneNumber:
        made = super().__new__(cls, number)
        made.extension, made.is_checked = extension, is_checked
        return made

    def __getnewargs__(self) -> Any:  # copied and pickled with all it has
        return (str(self), self.extension, self.is_checked)

    @property
    def whole(self) -> str:
        """With its extension, as RFC 3966 has it: what is kept where there is one text for it; `parse` reads it."""
        return f"{self};ext={self.extension}" if self.extension else str(self)


def parse(text: str, country: str = "") -> PhoneNumber:
    """The number that was typed; empty for an empty text.

    Args:
        country: two letters, where a number without +… is at home; by default the company's.
    Raises ValidationError in words a customer understands, for what has no possible length.
    """
    typed = (text or "").strip()
    if not typed:
        return PhoneNumber("")
    if len(typed) > LONGEST:
        raise ValidationError(said("value.no_phone", "“%(number)s” is not a phone number.") % {"number": typed[:40]})
    bare, extension = _cut(typed)
    found = _read(bare, country or ("" if bare.startswith("+") else _own_country()))
    if found is None:
        raise ValidationError(said("value.no_phone", "“%(number)s” is not a phone number.") % {"number": typed[:40]})
    if not phonenumbers.is_possible_number(found):
        raise ValidationError(
            said("value.no_valid_phone", "“%(number)s” is not a valid phone number.") % {"number": typed[:40]}
        )
    number = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    return PhoneNumber(number, extension, phonenumbers.is_valid_number(found))


def _own_country() -> str:
    return next(filter(None, (country() for country in slots.home_country)), "")


def _cut(typed: str) -> tuple[str, str]:
    """Without its extension, which no numbering plan knows, and without the "(0)" that is not dialled from abroad."""
    bare = fold(plain(typed))
    found = _EXTENSION.search(bare)
    extension = found[1] if found and found.start() else ""
    if found and extension:
        bare = bare[: found.start()].rstrip(" ,;")
    if re.match(r"\+|00", bare):
        bare = re.sub(r"\( ?0 ?\)", "", bare)
    return re.sub(r"^(?:tel|phone|mobile|kom|tel kom|dt|sdt|mob|t|m)\b[.: ]*", "", bare).strip(), extension


def _read(bare: str, country: str) -> Any:
    """The likeliest number: valid as it stands, else valid with a + before it; None for what is none."""
    if not _SHAPE.fullmatch(bare):
        return None
    tried = [bare]
    if bare.startswith("00"):
        tried.append("+" + bare[2:])  # 00 is dialled for abroad in most countries, not in all
    elif bare.startswith("0"):
        tried.append(bare[1:])  # the trunk's nought of former times: "0 601 123 456"
    elif not bare.startswith("+"):
        tried.append("+" + bare)  # "48 601 123 456"
    found = []
    for text in tried:
        try:
            found.append(phonenumbers.parse(text, country or None))
        except phonenumbers.NumberParseException:
            continue
    # With a + before it only if that makes a number that exists: else any digits are a number somewhere.
    first = found[:1] if len(found) < 2 and not bare.startswith("+") and country else found
    return next((one for one in found if phonenumbers.is_valid_number(one)), first[0] if first else None)


def display(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def only_zone(number: str) -> str:
    """The time zone of the number's country, where it has one only (of CLDR's list); else empty."""
    try:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ""
    zones = get_global("territory_zones").get(country or "", [])
    return str(zones[0]) if len(zones) == 1 else ""


def region_of(number: str) -> str:
    """The country of a number (ISO 3166), or empty."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""


def can_receive_sms(number: str) -> bool:
    """False only for numbers known to be fixed lines or premium services."""
    mobile = (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
        phonenumbers.PhoneNumberType.UNKNOWN,
    )
    try:
        return phonenumbers.number_type(phonenumbers.parse(number)) in mobile
    except phonenumbers.NumberParseException:
        return False
