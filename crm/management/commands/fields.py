"""`manage.py fields`: the custom fields, and the stored values that their types cannot read."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand

from crm.pipelines.custom_fields import CustomField
from crm.pipelines.retyping import reread


class Command(BaseCommand):
    help = "Lists the custom fields, and each stored value that the type of its field cannot read."

    def handle(self, *args: Any, **options: Any) -> None:
        for field in CustomField.objects.all():
            self.stdout.write(f"{field.target}.custom.{field.key} ({field.type})")
            for unread in reread(apps.get_model, field, write=False):
                self.stdout.write(f"    {unread}")
