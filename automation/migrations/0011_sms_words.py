"""Triggers of SMS that are there go on comparing whatever the case; new ones compare exactly."""

from django.db import migrations


def fold(apps, schema_editor):
    Trigger = apps.get_model("automation", "Trigger")
    for trigger in Trigger.objects.filter(type="sms_received"):
        if not trigger.settings.get("how"):
            trigger.settings = {**trigger.settings, "how": "folded"}
            trigger.save(update_fields=["settings"])


class Migration(migrations.Migration):
    dependencies = [("automation", "0010_rule_sets")]

    operations = [migrations.RunPython(fold, migrations.RunPython.noop, elidable=True)]
