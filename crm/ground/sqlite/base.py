"""Django's SQLite backend, but a waiting writer asks for the lock every millisecond, and a broken number stops nobody.

A column of SQLite's holds whatever it is given. Django's converter of decimals raises for what is none, before a field or
page could catch it: one such row took board, list, search and export from everybody. Here it is read as `Unreadable`.

SQLite's own busy handler sleeps up to 100 ms between tries. Workers that write batch after batch leave gaps of a few
milliseconds, so web requests slept through nearly all of them: form posts waited for seconds (docs/performance.md).
"""

import time
from sqlite3 import OperationalError as Locked
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base, operations

from crm.ground.decimals import Unreadable

PAUSE = 0.001


class _Percentile:
    """PostgreSQL's percentile_cont: between two values where it falls between."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.share = 0.5

    def step(self, value: float | None, share: float) -> None:
        self.share = share
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        if not self.values:
            return None
        self.values.sort()
        place = (len(self.values) - 1) * self.share
        low = int(place)
        high = min(low + 1, len(self.values) - 1)
        return self.values[low] + (self.values[high] - self.values[low]) * (place - low)


class DatabaseOperations(operations.DatabaseOperations):
    def get_decimalfield_converter(self, expression: Any) -> Any:
        convert = super().get_decimalfield_converter(expression)

        def read(value: Any, expression: Any, connection: Any) -> Any:
            try:
                found = convert(value, expression, connection)
                return found if found is None or found.is_finite() else Unreadable()
            except (ArithmeticError, TypeError, ValueError):
                return Unreadable()

        return read


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    # Seconds that this process waited for the lock since `crm.ground.databases.give_way` last asked.
    waited = 0.0

    def get_new_connection(self, conn_params: Any) -> Any:
        connection: Any = super().get_new_connection(conn_params)
        connection.create_aggregate("dealwright_percentile", 2, _Percentile)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        start = time.monotonic()
        patience = float(self.settings_dict["OPTIONS"].get("timeout", 20))
        end = start + patience
        connection: Any = self.connection
        connection.execute("PRAGMA busy_timeout=0")
        try:
            while True:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    self.waited += time.monotonic() - start
                    return
                except Locked as error:
                    if "locked" not in str(error) or time.monotonic() > end:
                        raise OperationalError(str(error)) from error
                    time.sleep(PAUSE)
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
