"""Numbers of rows as they stand in addresses, forms and files of other programs: one reader for all of them."""

from __future__ import annotations

MOST = 2**63 - 1  # what a database's key may be


def id_of(text: object) -> int | None:
    """The number that a text is, or None; "²" is a digit to Python and no number to int(), and 10¹⁹ no key of a row."""
    bare = str(text) if text is not None else ""
    if not (bare.isascii() and bare.isdigit() and len(bare) < 20):
        return None
    found = int(bare)
    return found if found <= MOST else None
