"""Board versions: what a board shows changed. Bumped last, so that the row is locked for a moment only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db.models import F, Subquery

from crm.models.pipelines import BoardVersion, ColumnVersion

_collected: ContextVar[dict[int, set[int]] | None] = ContextVar("boards_collected", default=None)


def touch(pipeline_id: int, *stage_ids: int) -> None:
    """Mark columns as changed; at once, or at the end of the surrounding `collecting()`."""
    collected = _collected.get()
    if collected is None:
        _write(pipeline_id, set(stage_ids))
    else:
        collected.setdefault(pipeline_id, set()).update(stage_ids)


@contextmanager
def collecting() -> Iterator[None]:
    """Bump each board once at the end of a batch. Open it inside the batch's transaction."""
    if _collected.get() is not None:
        yield
        return
    collected: dict[int, set[int]] = {}
    token = _collected.set(collected)
    try:
        yield
    finally:
        _collected.reset(token)
    for pipeline_id in sorted(collected):
        _write(pipeline_id, collected[pipeline_id])


def _write(pipeline_id: int, stage_ids: set[int]) -> None:
    board = BoardVersion.objects.filter(pipeline_id=pipeline_id)
    board.update(version=F("version") + 1)
    ColumnVersion.objects.filter(stage_id__in=stage_ids).update(
        version=Subquery(BoardVersion.objects.filter(pipeline_id=pipeline_id).values("version")[:1])
    )


def version_of(pipeline_id: int) -> int:
    return BoardVersion.objects.filter(pipeline_id=pipeline_id).values_list("version", flat=True).first() or 0


def newer_columns(pipeline_id: int, version: int) -> tuple[int, set[int]]:
    """The board's version now, and the stages whose columns changed after the given one; one query."""
    rows = ColumnVersion.objects.filter(stage__pipeline_id=pipeline_id, stage__retired=False)
    found = list(rows.values_list("stage_id", "version", "stage__pipeline__board_version__version"))
    current = max((board for _stage, _column, board in found), default=0)
    return current, {stage for stage, column, _board in found if column > version}
