"""Automation in the administration."""

from automation.admin import definitions, placed, runs

__all__ = ["definitions", "placed", "runs"]
