"""Types of fields: one class for each, asked by conditions, filters and readers (forms and imports follow)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crm.fields.base import Asked, FieldType
from crm.fields.boolean import Boolean
from crm.fields.choice import Choice
from crm.fields.clock_time import ClockTime
from crm.fields.day import Date
from crm.fields.email import Email
from crm.fields.link import Link
from crm.fields.long_text import LongText
from crm.fields.moment import DateTime
from crm.fields.money import Money
from crm.fields.multi_list import MultiList
from crm.fields.number import Number
from crm.fields.phone import Phone
from crm.fields.text import Text
from crm.fields.user import Person
from crm.fields.weekday import Weekday

__all__ = ["TYPES", "Asked", "FieldType", "type_of", "type_of_value"]

_ALL = (
    Text, LongText, Number, Money, Date, DateTime, Boolean, Choice, MultiList, Link, Phone, Email, Person, ClockTime,
    Weekday,
)  # fmt: skip
TYPES: dict[str, FieldType] = {made.key: made() for made in _ALL}


def type_of(key: str) -> FieldType:
    """By its key; text for one that is not installed."""
    return TYPES.get(key, TYPES["text"])


def type_of_value(value: Any) -> FieldType:
    """Of a value whose field nobody describes, such as a result of an earlier rule."""
    for kinds, key in (
        (bool, "boolean"),
        ((int, float, Decimal), "number"),
        (datetime, "datetime"),
        (date, "date"),
        (list, "multi_list"),
    ):
        if isinstance(value, kinds):  # type: ignore[arg-type]
            return TYPES[key]
    return TYPES["text"]
