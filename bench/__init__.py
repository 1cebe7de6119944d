"""Speeds and sizes: `make bench` prints a table for SQLite and PostgreSQL. Figures, never asserts."""
