"""Customers get the owner of their newest card; administrators hear that roles may say something about customers now."""

from django.db import migrations
from django.db.models import OuterRef, Subquery

from crm.pipelines.upgrades import tell_of_rights_to_customers


def forward(apps, schema_editor):
    items = apps.get_model("crm", "Item").objects
    for link in ("contact", "company"):
        newest = items.filter(**{link: OuterRef("pk")}, owner__is_active=True).order_by("-created_at", "-pk")
        customers = apps.get_model("crm", link).objects.filter(owner=None)
        # Two steps: a row without a card stays without an owner, and is not written.
        known = items.exclude(owner=None).exclude(**{link: None}).order_by().values(link)
        customers.filter(pk__in=known).update(owner=Subquery(newest.values("owner")[:1]))
    tell_of_rights_to_customers(apps)


class Migration(migrations.Migration):
    dependencies = [("crm", "0021_rights_of_customers")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
