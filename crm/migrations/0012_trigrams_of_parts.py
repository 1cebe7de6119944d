"""Trigram indexes that only a search in parts can use.

An index on the bare column was also taken for equality, where it is a thousand times slower than the plain one beside
it: the addresses of two hundred rows of an import took a quarter of a second to look up.
"""

from django.db import migrations

COLUMNS = (
    ("crm_item", "search_key"),
    ("crm_contact", "search_key"),
    ("crm_company", "search_key"),
    ("crm_contactemail", "address"),
    ("crm_contactphone", "number"),
)


def make(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        known = cursor.fetchone()
    for table, column in COLUMNS:
        schema_editor.execute(f"DROP INDEX IF EXISTS {table}_{column}_trgm")
        if known:
            schema_editor.execute(
                f"CREATE INDEX IF NOT EXISTS {table}_{column}_parts ON {table}"
                f" USING gin (lower({column}) gin_trgm_ops)"
            )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, column in COLUMNS:
            schema_editor.execute(f"DROP INDEX IF EXISTS {table}_{column}_parts")


class Migration(migrations.Migration):
    dependencies = [("crm", "0011_item_recent")]
    operations = [migrations.RunPython(make, drop)]
