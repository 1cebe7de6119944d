"""Columns of numbers that are kept exactly, and their sums."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import models

from crm.ground import decimals
from crm.ground.decimals import Limit
from crm.ground.forms.amounts import AmountField


class LimitedField(models.DecimalField):
    """A decimal column that holds what its limit says, whoever writes it: form, API, import, rule, shell.

    The database holds the same limit as a constraint of the column: SQLite would take anything.
    Saving raises ValidationError in words.
    """

    limit: Limit

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = self.limit.digits, self.limit.places
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs

    def db_check(self, connection: Any) -> str:
        column = connection.ops.quote_name(self.column)
        return f"{column} > -{self.limit.bound} AND {column} < {self.limit.bound}"

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        found = self.to_python(value)
        if found is not None:
            self.limit.check(found)
        return super().clean(found, model_instance)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is not None and not hasattr(value, "resolve_expression"):
            value = self.to_python(value)
            self.limit.check(value)
        return super().get_db_prep_save(value, connection)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": AmountField, "limit": self.limit, **kwargs})


class MoneyField(LimitedField):
    limit = decimals.MONEY


class PriceField(LimitedField):
    limit = decimals.PRICE


class QuantityField(LimitedField):
    limit = decimals.QUANTITY


class RateField(LimitedField):
    limit = decimals.RATE


class PercentField(LimitedField):
    limit = decimals.PERCENT


class ExactSum(models.Sum):
    """The sum of a money column to the cent, on SQLite too; None of nothing. Rows that cannot be read are left out.

    SQLite adds decimals as floats, and its whole numbers end at 9 × 10¹⁸. So millions, whole parts and cents are added as
    three whole numbers; together they travel as text. Such a sum can be read, but not ordered by nor reckoned with in SQL.
    """

    def __init__(self, expression: str, **extra: Any) -> None:
        super().__init__(expression, output_field=models.TextField(), **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        bound = decimals.MONEY.bound
        fits = f"typeof(%(expressions)s) IN ('integer', 'real') AND abs(%(expressions)s) < {bound}"
        whole = "CAST(%(expressions)s AS INTEGER)"
        parts = (
            f"{whole} / 1000000",
            f"{whole} %%%% 1000000",
            f"CAST(ROUND((%(expressions)s - {whole}) * 100) AS INTEGER)",
        )
        template = " || ' ' || ".join(f"SUM(CASE WHEN {fits} THEN {part} END)" for part in parts)
        sql, params = self.source_expressions[0].as_sql(compiler, connection)
        if params:
            raise TypeError("Only columns are summed exactly.")
        return template % {"expressions": sql}, []

    def get_db_converters(self, connection: Any) -> list[Callable[..., Any]]:
        return [_joined] if connection.vendor == "sqlite" else []


def _joined(value: Any, expression: Any, connection: Any) -> Decimal | None:
    if value is None:
        return None
    millions, rest, cents = (int(part) for part in value.split())
    return Decimal((millions * 1_000_000 + rest) * 100 + cents).scaleb(-2, decimals.EXACT)
