"""Channels and mail in the administration."""
