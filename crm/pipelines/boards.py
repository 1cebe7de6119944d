"""Board versions: what a board shows changed. Bumped last, so that the row is locked for a moment only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection

from crm.ground import databases
from crm.pipelines.models import BoardVersion, ColumnVersion

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
    """In SQL, as every move ends with it: the ORM takes five times as long to build these two."""
    board, column = BoardVersion._meta.db_table, ColumnVersion._meta.db_table
    bump = f"UPDATE {board} SET version = version + 1 WHERE pipeline_id = %s"
    marks = ", ".join(["%s"] * len(stage_ids)) or "NULL"
    with connection.cursor() as cursor:
        if databases.is_postgres():
            cursor.execute(
                f"WITH bumped AS ({bump} RETURNING version) UPDATE {column} SET version = bumped.version"
                f" FROM bumped WHERE stage_id IN ({marks})",
                [pipeline_id, *stage_ids],
            )
        else:
            cursor.execute(bump, [pipeline_id])
            cursor.execute(
                f"UPDATE {column} SET version = (SELECT version FROM {board} WHERE pipeline_id = %s)"
                f" WHERE stage_id IN ({marks})",
                [pipeline_id, *stage_ids],
            )


def version_of(pipeline_id: int) -> int:
    return BoardVersion.objects.filter(pipeline_id=pipeline_id).values_list("version", flat=True).first() or 0


def newer_columns(pipeline_id: int, version: int) -> tuple[int, set[int]]:
    """The board's version now, and the stages whose columns changed after the given one; one query."""
    rows = ColumnVersion.objects.filter(stage__pipeline_id=pipeline_id, stage__retired=False)
    found = list(rows.values_list("stage_id", "version", "stage__pipeline__board_version__version"))
    current = max((board for _stage, _column, board in found), default=0)
    return current, {stage for stage, column, _board in found if column > version}
