from django.db import migrations, models

import crm.fields
import crm.webforms.models
from crm.pipelines.upgrades import type_custom_values


def read_again(apps, schema_editor):
    type_custom_values(apps)


class Migration(migrations.Migration):
    dependencies = [("crm", "0036_no_task_of_callbacks")]

    operations = [
        migrations.AlterField(
            "customfield",
            "type",
            models.CharField(choices=crm.fields.type_choices, default="text", max_length=40, verbose_name="type"),
        ),
        migrations.AlterField(
            "formfield",
            "kind",
            models.CharField(
                choices=crm.webforms.models.kind_choices, default="text", max_length=40, verbose_name="kind"
            ),
        ),
        migrations.RunPython(read_again, migrations.RunPython.noop),
    ]
