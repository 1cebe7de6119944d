"""Forms of contacts and companies."""
