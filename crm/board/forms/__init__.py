"""Forms of cards: fields, lines, filters."""
