"""A file as a table of texts: CSV in any usual encoding and with any usual separator, XLSX, XLS, ODS."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes
from django.utils.translation import gettext as _

MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELL = 20_000
MAX_UNPACKED = 500 * 1024 * 1024  # an XLSX is a ZIP: what it says it unpacks to
ENCODINGS = ("utf-8", "cp1250", "cp1252", "cp1258", "cp1251", "iso8859-2", "utf-16")
SEPARATORS = ",;\t|"
# A first line by which Excel is told the separator: "sep=;".
_SAID = re.compile(r'\ufeff?"?sep=([^\r\n])"?[^\r\n]*\r?\n')
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


class CannotRead(Exception):
    """The sentence says why."""


@dataclass
class Table:
    headers: list[str]
    rows: list[list[str]]
    encoding: str = ""


def read(content: bytes, encoding: str = "") -> Table:
    """The first sheet, its first filled line as headers. Empty lines are left out.

    Args:
        encoding: one of ENCODINGS; empty: found out. Does not matter for spreadsheets.
    Raises CannotRead.
    """
    if content[:4] in _SPREADSHEETS:
        lines, encoding = _spreadsheet(content), ""
    else:
        lines, encoding = _csv(content, encoding)
    filled = [[_clean(cell) for cell in line] for line in lines]
    filled = [line for line in filled if any(line)]
    if len(filled) < 2:
        raise CannotRead(_("The file needs a line of headers and at least one row."))
    if len(filled) - 1 > MAX_ROWS:
        raise CannotRead(_("The file has more than %d rows; please split it.") % MAX_ROWS)
    width = max(len(line) for line in filled)
    if width > MAX_COLUMNS:
        raise CannotRead(_("The file has more than %d columns.") % MAX_COLUMNS)
    return Table(filled[0], filled[1:], encoding)


def _clean(cell: Any) -> str:
    """One cell as a text, NUL nowhere in it (PostgreSQL refuses it)."""
    return str(cell).replace("\0", "").strip()[:MAX_CELL]


def _spreadsheet(content: bytes) -> list[list[Any]]:
    try:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                if sum(part.file_size for part in packed.infolist()) > MAX_UNPACKED:
                    raise CannotRead(_("The spreadsheet is too large when it is unpacked."))
        command = [sys.executable, str(Path(__file__).with_name("sheet.py")), str(MAX_ROWS + 2)]
        done = subprocess.run(command, input=content, capture_output=True, timeout=90, check=True)
        found: list[list[Any]] = json.loads(done.stdout)
        return found
    except (subprocess.SubprocessError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise CannotRead(_("This spreadsheet cannot be read; is it XLSX, XLS or ODS, without a password?")) from error


def _csv(content: bytes, encoding: str) -> tuple[list[list[str]], str]:
    if b"\0" in content[:1000] and not encoding and not _encoding_of(content).startswith("utf-16"):
        raise CannotRead(_("This is neither a CSV file nor a spreadsheet."))
    encoding = encoding or _encoding_of(content)
    try:
        text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except (UnicodeDecodeError, LookupError) as error:
        line = content[: getattr(error, "start", 0)].count(b"\n") + 1
        words = {"encoding": encoding, "line": line}
        raise CannotRead(
            _("The file is not in %(encoding)s (line %(line)d); choose another encoding.") % words
        ) from None
    try:
        said = _SAID.match(text)
        text = text[said.end() :] if said else text
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=said[1] if said else _separator_of(text[:65536]))
        return list(islice(lines, MAX_ROWS + 1000)), encoding
    except csv.Error as error:
        raise CannotRead(_("The file cannot be read as CSV: %s") % error) from error


def _encoding_of(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in content[:1000]:
        # Without its mark: of Latin letters every other byte is zero.
        even, odd = content[:1000:2].count(0), content[1:1000:2].count(0)
        return "" if min(even, odd) * 10 > max(even, odd) else "utf-16-le" if odd > even else "utf-16-be"
    try:
        content.decode("utf-8-sig")
        return "utf-8"
    except UnicodeDecodeError:
        best = from_bytes(content[:200_000], cp_isolation=[name for name in ENCODINGS if name[:3] != "utf"]).best()
        return best.encoding.replace("_", "-") if best else "cp1252"


def _separator_of(text: str) -> str:
    """The one that splits the first lines into the same number of parts, more than one."""
    lines = text.splitlines()[:20]
    best, score = ",", 0.0
    for separator in SEPARATORS:
        widths = [len(next(csv.reader([line], delimiter=separator), [])) for line in lines if line.strip()]
        if widths and widths[0] > 1:
            same = sum(width == widths[0] for width in widths) / len(widths)
            if same * widths[0] > score:
                best, score = separator, same * widths[0]
    return best
