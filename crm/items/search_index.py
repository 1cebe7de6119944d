"""The index of whole words: what notes, mails, form answers, tasks and own fields say.

PostgreSQL: a GIN index over to_tsvector. SQLite: an FTS5 table beside each table, kept by triggers. Both are made after
every migration, not in one: SQLite makes a table anew when a column changes, and its triggers go with the old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import Model

from crm.events.models import Event
from crm.ground import clock, databases
from crm.ground.columns.words import indexed
from crm.items.models.items import Item
from crm.people.models import Company, Contact
from crm.work import lanes
from crm.work.models import Job
from crm.work.queue import Kind, register_kind

MODELS: tuple[type[Model], ...] = (Event, Item, Contact, Company)
NEWEST = 500  # of what matches, before it is asked what the reader may see
ROUNDS = 20  # so often; who sees none of the newest ten thousand narrows the search
COMMON = 100_000  # rows
SLICE = 500
KIND = "index_words"


def make_indexes(**more: Any) -> None:
    """After a migration; safe to repeat."""
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for model in MODELS:
            table = model._meta.db_table
            if table not in tables:
                continue
            columns = {column.name for column in connection.introspection.get_table_description(cursor, table)}
            if "words" in columns:  # a test migrates to states before it
                for statement in _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE:
                    cursor.execute(statement.replace("TABLE_", table))


_POSTGRESQL = (
    "CREATE INDEX IF NOT EXISTS TABLE__words ON TABLE_ USING gin (to_tsvector('simple', words)) WHERE words IS NOT NULL",
)
_SQLITE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS TABLE__words USING fts5("
    "words, content='TABLE_', content_rowid='id', tokenize='unicode61')",
    "CREATE TRIGGER IF NOT EXISTS TABLE__words_new AFTER INSERT ON TABLE_ WHEN new.words IS NOT NULL BEGIN"
    " INSERT INTO TABLE__words(rowid, words) VALUES (new.id, new.words); END",
    "CREATE TRIGGER IF NOT EXISTS TABLE__words_gone AFTER DELETE ON TABLE_ WHEN old.words IS NOT NULL BEGIN"
    " INSERT INTO TABLE__words(TABLE__words, rowid, words) VALUES ('delete', old.id, old.words); END",
    # Two triggers: of one row only that which was in the index is taken out, and only what has words comes in.
    "CREATE TRIGGER IF NOT EXISTS TABLE__words_old AFTER UPDATE OF words ON TABLE_"
    " WHEN old.words IS NOT NULL AND old.words IS NOT new.words BEGIN"
    " INSERT INTO TABLE__words(TABLE__words, rowid, words) VALUES ('delete', old.id, old.words); END",
    "CREATE TRIGGER IF NOT EXISTS TABLE__words_now AFTER UPDATE OF words ON TABLE_"
    " WHEN new.words IS NOT NULL AND old.words IS NOT new.words BEGIN"
    " INSERT INTO TABLE__words(rowid, words) VALUES (new.id, new.words); END",
)


def asked(text: str) -> list[str]:
    """The words of a search; a single letter finds nothing that anybody looks for."""
    return [word for word in re.findall(r"\w+", indexed([text]) or "") if len(word) > 1 or word.isdigit()][:8]


def newest(model: type[Model], text: str, before: int | None = None, most: int = NEWEST) -> list[int]:
    """Ids of rows that have a word beginning with each one that is asked for, the newest first.

    Args:
        before: only rows older than this id.
    """
    words = asked(text)
    if not words:
        return []
    table = model._meta.db_table
    older = f" AND {'id' if connection.vendor == 'postgresql' else 'rowid'} < %s" if before is not None else ""
    past = [before] if before is not None else []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            query = " & ".join(f"{word}:*" for word in words)
            said = "words IS NOT NULL AND to_tsvector('simple', words) @@ to_tsquery('simple', %s)"
            # By the index first: left to choose, the planner walks back through all rows for a rare word.
            cursor.execute(
                f"WITH found AS MATERIALIZED (SELECT id FROM {table} WHERE {said}{older} LIMIT {COMMON})"
                " SELECT id, (SELECT count(*) FROM found) FROM found ORDER BY id DESC LIMIT %s",
                [query, *past, most],
            )
            rows = cursor.fetchall()
            if not rows or rows[0][1] < COMMON:
                return [row[0] for row in rows]
            # A word of every twentieth row: walking back finds enough of them at once.
            sql = f"SELECT id FROM {table} WHERE {said}{older} ORDER BY id DESC LIMIT %s"
        else:
            query = " ".join(f'"{word}"*' for word in words)
            sql = f"SELECT rowid FROM {table}_words WHERE {table}_words MATCH %s{older} ORDER BY rowid DESC LIMIT %s"
        cursor.execute(sql, [query, *past, most])
        return [row[0] for row in cursor.fetchall()]


def matches(model: type[Model], text: str) -> Iterator[list[int]]:
    """Ids of what matches, the newest first, a slice at a time: whoever sees little asks for more slices."""
    before: int | None = None
    for _round in range(ROUNDS):
        ids = newest(model, text, before)
        if ids:
            yield ids
        if len(ids) < NEWEST:
            return
        before = ids[-1]


def perform(job: Any) -> None:
    """What was there before the index: a slice of one table, then the next slice, then the next table."""
    place, after = job.payload["place"], job.payload["after"]
    model: Any = MODELS[place]
    # Held: what somebody writes meanwhile is not overwritten by older words.
    rows = list(databases.lock(model.objects.filter(pk__gt=after, words__isnull=True)).order_by("pk")[:SLICE])
    changed = []
    for row in rows:
        row.words = indexed(row.says())
        if row.words:
            changed.append(row)
    model.objects.bulk_update(changed, ["words"])
    if len(rows) == SLICE:
        _plan(place, rows[-1].pk)
    elif place + 1 < len(MODELS):
        _plan(place + 1, 0)


def _plan(place: int, after: int) -> None:
    Job.plan(KIND, f"{KIND}:{place}:{after}", payload={"place": place, "after": after}, lane=lanes.BULK)


register_kind(Kind(KIND, perform))


# ---------------------------------------------------------------------- what was erased

COMPACT = "compact_words"
PAGES = 200  # of one turn; a whole merge of a large index would hold the one writer's lock for seconds


def plan_compacting(key: str) -> None:
    """An FTS5 index keeps the words of a row that is gone until its segments are merged: after an erasure they are."""
    if not databases.is_postgres():
        Job.plan(COMPACT, f"{COMPACT}:{key}", lane=lanes.BULK, payload={"table": 0, "begun": False})


def compact(job: Job) -> Any:
    """One turn of one table; a negative number of pages begins a merge of all segments."""
    place, begun = job.payload["table"], job.payload["begun"]
    table = f"{MODELS[place]._meta.db_table}_words"
    with connection.cursor() as cursor:
        cursor.execute("SELECT total_changes()")
        before = cursor.fetchone()[0]
        pages = PAGES if begun else -PAGES
        cursor.execute(f"INSERT INTO {table}({table}, rank) VALUES ('merge', %s)", [pages])
        cursor.execute("SELECT total_changes()")
        is_merged = cursor.fetchone()[0] - before < 2  # as the manual of FTS5 tells it
    if is_merged and begun:
        place, begun = place + 1, False
    else:
        begun = True
    if place == len(MODELS):
        return None
    job.change(payload={"table": place, "begun": begun})
    return clock.now()


register_kind(Kind(COMPACT, compact, passing=True))
