"""Phone numbers: typed in any habit, stored as E.164, shown as the country writes them."""

import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def parse(text: str, country: str = "") -> str:
    """The number in E.164. `country` (two letters) is where a number without +… is at home.

    Raises ValidationError in words a customer understands.
    """
    text = (text or "").strip()
    if not text:
        return ""
    if not country and not text.startswith("+"):
        from crm.models.org import OwnCompany

        own = OwnCompany.first()
        country = own.country if own else ""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        raise ValidationError(_("“%(number)s” is not a phone number.") % {"number": text[:40]}) from None
    if not phonenumbers.is_valid_number(number):
        raise ValidationError(_("“%(number)s” is not a valid phone number.") % {"number": text[:40]})
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def display(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


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
