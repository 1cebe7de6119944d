"""Pages of bell and feed."""
