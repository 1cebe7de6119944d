import logging

from django.db import DatabaseError, migrations, transaction

COLUMNS = [
    ("crm_item", "search_key"), ("crm_contact", "search_key"), ("crm_company", "search_key"),
    ("crm_contactphone", "number"), ("crm_contactemail", "address"),
]


def add(apps, schema_editor):
    """PostgreSQL finds a part of a name among 200 000 by trigrams; without the extension it reads them all, as SQLite does."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        logging.getLogger("dealwright").warning("pg_trgm is not available, search will be slower: %s", error)
        return
    for table, column in COLUMNS:
        schema_editor.execute(
            f"CREATE INDEX IF NOT EXISTS {table}_{column}_trgm ON {table} USING gin ({column} gin_trgm_ops)"
        )


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, column in COLUMNS:
            schema_editor.execute(f"DROP INDEX IF EXISTS {table}_{column}_trgm")


class Migration(migrations.Migration):
    dependencies = [("crm", "0008_shared_cache")]
    operations = [migrations.RunPython(add, remove)]
