"""Tables that leave: CSV streamed line by line, XLSX written with constant memory; no cell becomes a formula."""

from __future__ import annotations

import csv
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from crm.ground.decimals import Unreadable

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def harmless(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula, also after blanks and control characters (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    start = next((n for n, c in enumerate(text) if unicodedata.category(c)[0] not in "CZ" and c != "'"), len(text))
    bare = text[start:]
    return (
        f"'{text}" if bare[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%") and not _figure(bare) else text
    )


def _figure(text: str) -> bool:
    """A plain negative or international number is no formula: -12.50 and +48601234567 stay as they are."""
    body = text[1:]
    return text[:1] in "+-" and body.replace(".", "", 1).isascii() and body.replace(".", "", 1).isdigit()


class _Echo:
    """A file that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def answer(rows: Iterable[list[Any]], name: str, kind: str, zone: Any) -> HttpResponseBase:
    """A table as a download.

    Args:
        rows: headers first; texts, numbers, None, and aware moments, shown in `zone`.
        name: of the file, without its ending.
        kind: "csv" or "xlsx".
    """
    if kind == "xlsx":
        file: HttpResponseBase = FileResponse(_xlsx(rows, zone), as_attachment=True, filename=f"{name}.xlsx")
        file["Content-Type"] = XLSX
        return file
    stream = StreamingHttpResponse(_csv(rows, zone), content_type="text/csv; charset=utf-8")
    stream["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return stream


def _csv(rows: Iterable[list[Any]], zone: Any) -> Iterator[str]:
    writer = csv.writer(_Echo())
    for number, row in enumerate(rows):
        line: str = writer.writerow([harmless(_moment(cell, zone)) for cell in row])
        yield line if number else "\ufeff" + line


def _xlsx(rows: Iterable[list[Any]], zone: Any) -> Any:
    """A temporary file, at its beginning; it vanishes when it is closed."""
    file = tempfile.TemporaryFile(prefix="dealwright-")  # noqa: SIM115 (the answer closes it)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if cell is None or cell == "":
                    continue
                if isinstance(cell, int | Decimal) and not isinstance(cell, bool | Unreadable):
                    sheet.write_number(number, place, float(cell))
                else:
                    sheet.write_string(number, place, str(_moment(cell, zone))[:32767], bold if number == 0 else None)
    file.seek(0)
    return file


def _moment(value: Any, zone: Any) -> Any:
    return timezone.localtime(value, zone).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value
