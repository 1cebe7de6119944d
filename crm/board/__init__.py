"""Pages on which people work with cards: board, list, card, search, bin, my day, set-up of stages."""
