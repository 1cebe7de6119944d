"""Make the demo company, once; or remove it with everything that was done in it."""

import os
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.storage import Storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.models import FileField

from crm.demo.company import DEALS, PASSWORD, build
from crm.demo.texts import TEXTS
from crm.pipelines.models import Pipeline


class Command(BaseCommand):
    help = "Make the demo company (never in production mode); --remove empties the database."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--language", default=os.environ.get("DEMO_LANGUAGE", "en"), choices=sorted(TEXTS))
        parser.add_argument("--deals", type=int, default=DEALS)
        parser.add_argument("--remove", action="store_true", help="delete all data, the demo and what was added to it")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo is never made in production mode.")
        if options["remove"]:
            stored = list(_stored())
            call_command("flush", interactive=False, verbosity=0)
            for storage, name in stored:
                storage.delete(name)
            self.stdout.write(f"The database is empty, {len(stored)} files are gone.")
            return
        if Pipeline.objects.exists():
            self.stdout.write("There is a pipeline already: the demo is left as it is.")
            return
        build(options["language"], options["deals"])
        self.stdout.write(f"The demo is made ({options['language']}); everybody's password is {PASSWORD}")


def _stored() -> Iterator[tuple[Storage, str]]:
    """Every file that a row knows, with where it lies."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, FileField):
                names = model._base_manager.exclude(**{field.name: ""}).values_list(field.name, flat=True)
                yield from ((field.storage, name) for name in names.distinct() if name)
