"""Cards, tasks, calls, messages and fields for programs."""
