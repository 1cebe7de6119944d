"""Columns that keep limits, search keys and words."""
