"""Board, list, card and what hangs on them."""
