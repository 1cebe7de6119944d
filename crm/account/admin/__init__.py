"""People, the company and the audit log in the administration."""
