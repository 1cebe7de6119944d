from django.core.management import call_command
from django.db import migrations


def make_table(apps, schema_editor):
    """The table of the shared cache (crm/settings.py): attempts to log in are counted there where there is no Redis."""
    call_command("createcachetable", "shared_cache", database=schema_editor.connection.alias, verbosity=0)


def drop_table(apps, schema_editor):
    schema_editor.execute("DROP TABLE IF EXISTS shared_cache")


class Migration(migrations.Migration):
    dependencies = [("crm", "0007_feed_files_notices")]
    operations = [migrations.RunPython(make_table, drop_table)]
