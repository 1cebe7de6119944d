"""What our processes have in common: none outlives the one that started it."""

import ctypes
import signal
import sys


def die_with_parent() -> None:
    """Linux: SIGKILL for this process when its parent dies; without it kill -9 of a parent leaves orphans.

    Fork clears the flag, so every child sets it for itself.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
