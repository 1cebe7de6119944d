"""Where the queue was until 28 November 2026: schedules and bells that are stored by this path still ring."""

from crm.work.queue import drain, net

__all__ = ["drain", "net"]
