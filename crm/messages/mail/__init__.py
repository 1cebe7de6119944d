"""E-mail both ways: how a mail that leaves is put together, and what becomes of one that comes in."""
