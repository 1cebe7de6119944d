"""Files that somebody sent: always saved by the browser, never opened as a page of ours."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404


def saved_only(row: Any) -> FileResponse:
    """The answer with a row's file. `row` has file, name and kind. Raises Http404 where the file is gone."""
    try:
        answer = FileResponse(row.file.open("rb"), as_attachment=True, filename=row.name, content_type=row.kind)
    except FileNotFoundError:
        raise Http404 from None
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer
