"""One action, one file. Registered by importing (automation/crm_plugin.py)."""
