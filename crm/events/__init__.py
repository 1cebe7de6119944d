"""What happened: rows, the catalogue of kinds, and the word to colleagues. It does not know who acts on it."""
