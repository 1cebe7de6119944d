"""Automation for programs."""
