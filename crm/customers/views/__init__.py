"""Lists and pages of contacts and companies."""
