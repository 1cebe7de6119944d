"""A spreadsheet's first sheet as JSON on standard output. Run as a process of its own, with a limit of memory.

One stray cell far down makes the reader lay out every cell before it: a file of five kilobytes could otherwise take
the web server's memory. Nothing of Django is imported here.
"""

import json
import re
import resource
import sys
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

from python_calamine import CalamineWorkbook

MEMORY = 1024 * 1024 * 1024
SECONDS = 60


def text(cell: Any) -> str:
    if isinstance(cell, float):
        # Never three decimals: they would look like thousands to a reader of amounts. Never an exponent.
        written = f"{cell:.10f}".rstrip("0").rstrip(".")
        return f"{written}0" if re.search(r"\.\d{3}$", written) else written
    return cell.isoformat() if isinstance(cell, datetime | date | time) else str(cell)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    rows = int(sys.argv[1])
    book = CalamineWorkbook.from_filelike(BytesIO(sys.stdin.buffer.read()))
    lines = book.get_sheet_by_index(0).to_python(nrows=rows) if book.sheet_names else []
    json.dump([[text(cell) for cell in line] for line in lines], sys.stdout)


main()
