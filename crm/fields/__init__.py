"""Types of fields: one class for each, asked by forms, conditions, filters, imports, exports, API and merge texts."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError

from crm.fields.base import Asked, Cells, FieldType, field_types
from crm.fields.boolean import Boolean
from crm.fields.choice import Choice
from crm.fields.clock_time import ClockTime
from crm.fields.company import Firm
from crm.fields.contact import Customer
from crm.fields.currency import Currency
from crm.fields.day import Date
from crm.fields.email import Email
from crm.fields.emails import Emails
from crm.fields.field import Field
from crm.fields.language import Language
from crm.fields.link import Link
from crm.fields.long_text import LongText
from crm.fields.lost_reason import Reason
from crm.fields.moment import DateTime
from crm.fields.money import Money
from crm.fields.multi_list import MultiList
from crm.fields.names import Names
from crm.fields.number import Number
from crm.fields.percent import Percent
from crm.fields.phone import Phone
from crm.fields.phones import Phones
from crm.fields.priced import Priced
from crm.fields.profit import ProfitType
from crm.fields.stage import StageType
from crm.fields.text import Text
from crm.fields.user import Person
from crm.fields.weekday import Weekday

__all__ = [
    "Asked",
    "Cells",
    "Field",
    "FieldType",
    "field_types",
    "is_untouched",
    "type_choices",
    "type_of",
    "type_of_value",
]

# In the order in which administrators choose among them, then those of our own fields alone.
CHOSEN = (Text, LongText, Number, Money, Date, DateTime, Boolean, Choice, MultiList, Link, Phone, Email, Person)
OURS = (
    ClockTime,
    Weekday,
    Currency,
    Language,
    Percent,
    Priced,
    ProfitType,
    Phones,
    Emails,
    Names,
    StageType,
    Reason,
    Customer,
    Firm,
)
for _cls in (*CHOSEN, *OURS):
    field_types.register(_cls)


@cache
def _made_of(cls: Any) -> FieldType:
    return cls()


def type_of(key: str) -> FieldType:
    """By its key; text for one that is not installed."""
    found: Any = field_types.get(key) or Text
    made: FieldType = _made_of(found)
    return made


def type_choices() -> list[tuple[str, Any]]:
    """What administrators may add fields of: (key, label)."""
    return [(cls.key, cls.label) for cls in field_types if cls.is_custom]


_BY_VALUE: tuple[tuple[Any, str], ...] = (
    (bool, Boolean.key),
    ((int, float, Decimal), Number.key),
    (datetime, DateTime.key),
    (date, Date.key),
    (list, MultiList.key),
)


def type_of_value(value: Any) -> FieldType:
    """Of a value whose field nobody describes, such as a result of an earlier rule."""
    return type_of(next((key for kinds, key in _BY_VALUE if isinstance(value, kinds)), Text.key))


def is_untouched(made: Any, sent: Any) -> bool:
    """Whether a form sent a value back that its field's type could not read before: it was not written now, and stays.

    Args:
        made: the form field of a `Field`, with its initial value.
    """
    kept = made.initial
    if not isinstance(kept, str) or not kept or sent != kept:
        return False
    try:
        made.described.type.from_json(kept)
    except ValidationError:
        return True
    return False
