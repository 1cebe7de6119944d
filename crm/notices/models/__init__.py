"""The rows of bell and feed."""
