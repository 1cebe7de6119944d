"""Pipelines in the administration."""
