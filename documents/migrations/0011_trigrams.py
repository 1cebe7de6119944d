"""PostgreSQL finds a part of a paper's number among 100 000 by trigrams; without the extension it reads them all."""

from django.db import migrations


def make(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        known = cursor.fetchone()
    if known:
        schema_editor.execute(
            "CREATE INDEX IF NOT EXISTS documents_document_search_key_parts ON documents_document"
            " USING gin (lower(search_key) gin_trgm_ops)"
        )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS documents_document_search_key_parts")


class Migration(migrations.Migration):
    # The extension is made there.
    dependencies = [("documents", "0010_templates_of_credit_notes"), ("crm", "0012_trigrams_of_parts")]

    operations = [migrations.RunPython(make, drop)]
