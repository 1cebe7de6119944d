"""Triggers that wait for overdue invoices get timers, as each of them gets when it is saved from now on."""

from django.db import migrations

from crm.ground import clock


def arm(apps, schema_editor):
    Trigger = apps.get_model("automation", "Trigger")
    Job = apps.get_model("crm", "Job")
    for trigger in Trigger.objects.filter(type="invoice_overdue", is_enabled=True, retired=False):
        key = f"arm:{trigger.pk}:{trigger.version}"
        if not Job.objects.filter(key=key).exists():
            Job.objects.create(kind="arm_timers", key=key, lane=1, due_at=clock.now(), payload={"trigger": trigger.pk})


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0011_trigrams"),
        ("automation", "0008_late_items"),
        ("crm", "0037_types_of_fields"),
    ]

    operations = [migrations.RunPython(arm, migrations.RunPython.noop, elidable=True)]
