"""Name, e-mail and phone fields of web forms map themselves from now on. One that was saved nowhere on purpose so far, such
as the address of a friend, stays so: that is chosen in words now."""

from django.db import migrations


def forward(apps, schema_editor):
    fields = apps.get_model("crm", "FormField").objects
    fields.filter(saves_to="", kind__in=("name", "email", "phone")).update(saves_to="-")


class Migration(migrations.Migration):
    dependencies = [("crm", "0030_strangers_numbers")]

    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
