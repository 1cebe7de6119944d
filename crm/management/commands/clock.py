"""Move a demo stack's clock: `manage.py clock +30m`, `+2d`, `reset`."""

import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.ground import clock

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Command(BaseCommand):
    help = "Move the clock of a demo stack ahead (+90s, +30m, +2h, +2d, +1w), or back to real time (reset)."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("by")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("In production time moves by itself.")
        if options["by"] == "reset":
            clock.shift(timedelta())
        else:
            found = re.fullmatch(r"\+(\d+)([smhdw])", options["by"])
            if found is None:
                raise CommandError("Say +30m, +2h, +2d, +1w or reset.")
            clock.shift(timedelta(**{UNITS[found[2]]: int(found[1])}))
        self.stdout.write(f"The clock says {clock.now():%Y-%m-%d %H:%M:%S} UTC.")
