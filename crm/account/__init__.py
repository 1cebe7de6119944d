"""Signing in, the person's own pages, and the audit log."""
