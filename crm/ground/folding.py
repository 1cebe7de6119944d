"""Folded text for search and sort: "nguyen" finds "Nguyễn", "Żuraw" sorts after "Zachar"."""

import unicodedata

_LETTERS = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"})


def fold(text: str) -> str:
    """Casefolded, without marks, the letters that have no decomposition mapped, blanks collapsed."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(bare.translate(_LETTERS).split())
