"""Checks of documents, one class one file each; registered by automation/crm_plugin.py."""
