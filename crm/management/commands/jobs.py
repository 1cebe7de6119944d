"""The background workers: django-q's cluster, every process of which dies with its parent."""

import ctypes
import os
import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand

from crm import queue


def die_with_parent() -> None:
    """Linux: SIGKILL for this process when its parent dies; without it kill -9 of the cluster leaves orphans."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Command(BaseCommand):
    help = "Run the background workers (one process of `manage.py up`; or alone on a worker host)."

    def handle(self, *args: Any, **options: Any) -> None:
        # The flag is cleared by fork, so every child sets it for itself.
        os.register_at_fork(after_in_child=die_with_parent)
        # Web requests first: somebody waits for them.
        os.nice(10)
        queue.start_cluster()
