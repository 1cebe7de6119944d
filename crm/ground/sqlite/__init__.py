"""SQLite with a fair way to the one writer's lock."""
