"""The REST API under /api/v1/: the same gate and the same rights as the pages, for programs."""
