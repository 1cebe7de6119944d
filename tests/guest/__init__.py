"""A complete third-party app: it comes in by `crm_plugin.py` and touches none of our files."""
