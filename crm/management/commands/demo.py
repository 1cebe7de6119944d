"""Make the demo company, once; or remove it with everything that was done in it."""

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from crm.demo.company import DEALS, PASSWORD, build
from crm.demo.texts import TEXTS
from crm.models import Pipeline


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
            call_command("flush", interactive=False, verbosity=0)
            self.stdout.write("The database is empty.")
            return
        if Pipeline.objects.exists():
            self.stdout.write("There is a pipeline already: the demo is left as it is.")
            return
        build(options["language"], options["deals"])
        self.stdout.write(f"The demo is made ({options['language']}); everybody's password is {PASSWORD}")
