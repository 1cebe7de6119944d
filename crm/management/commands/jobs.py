"""The background workers: django-q's cluster, every process of which dies with its parent."""

import os
from typing import Any

from django.core.management.base import BaseCommand

from crm.work import queue
from crm.work.processes import die_with_parent


class Command(BaseCommand):
    help = "Run the background workers (one process of `manage.py up`; or alone on a worker host)."

    def handle(self, *args: Any, **options: Any) -> None:
        # The flag is cleared by fork, so every child sets it for itself.
        os.register_at_fork(after_in_child=die_with_parent)
        # Web requests first: somebody waits for them.
        os.nice(10)
        queue.start_cluster()
