"""After a database was restored from a backup: automation is paused, and who was erased since is erased again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.company.models import SystemSwitches
from crm.customers import erasing


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        SystemSwitches.objects.update_or_create(pk=1, defaults={"automation_paused": True})
        self.stdout.write("Automation is paused. Look at what it would do, then switch it on in the administration.")
        try:
            again = list(erasing.erased_again())
        except FileNotFoundError:
            raise CommandError(
                f"{erasing.list_file()} is missing: customers that were erased after this backup could not be erased again."
                " Bring the file back from the data folder and run this command once more."
            ) from None
        self.stdout.write(f"{len(again)} customers were erased again.")
        for moment in erasing.unconfirmed():
            self.stdout.write(f"An erasure that began at {moment} was not confirmed; look at the receipts of that day.")
