"""Calls to other programs, and theirs to us."""
