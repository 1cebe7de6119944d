"""Whether somebody who writes, is imported or typed in is a person we know: one rule for every door.

A number is shared: colleagues have one switchboard, a family one telephone. An address is a person's own. So an address
that is known decides; a number alone does not make two people one, unless nothing speaks against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crm.ground.folding import fold


def same_name(one: str, other: str) -> bool:
    """Folded, the order of words ignored: "Żuk Jan" is "jan zuk"."""
    return bool(one.strip()) and _words(one) == _words(other)


def _words(name: str) -> list[str]:
    return sorted(fold(name.replace(",", " ")).split())


def is_nameless(name: str) -> bool:
    """A contact that is called by its own number or address, because nobody has said a name yet."""
    return "@" in name or not any(letter.isalpha() for letter in name)


# What stands in a letter where nobody has said a name yet: "Dear customer", "Dzień dobry Państwu".
_NO_NAME = {"pl": "Państwu", "fr": "Madame, Monsieur", "vi": "quý khách"}


def addressed(name: str, language: str) -> str:
    """How a letter addresses the person; a Vietnamese given name stands last, others' first. Never by a number."""
    if is_nameless(name):
        return _NO_NAME.get(language, "customer")
    words = name.split()
    return words[-1] if language == "vi" else words[0]


def recognise(
    name: str,
    addresses: Iterable[str],
    numbers: Iterable[str],
    by_address: Mapping[str, Sequence[Any]],
    by_number: Mapping[str, Sequence[Any]],
) -> Any:
    """The contact that it is, or None for somebody new.

    Args:
        name: as it came in; empty where none was given.
        addresses, numbers: in our one spelling (lower case, E.164).
        by_address, by_number: contacts that have them, the oldest first.
    """
    addresses = list(addresses)
    known = [contact for address in addresses for contact in by_address.get(address, ())]
    if known:
        return next((contact for contact in known if same_name(name, contact.name)), known[0])
    sharing: list[Any] = []
    for number in numbers:
        sharing += [contact for contact in by_number.get(number, ()) if not any(contact is one for one in sharing)]
    if len(sharing) > 1 and not addresses:
        return None
    fitting = [contact for contact in sharing if same_name(name, contact.name) or is_nameless(contact.name)]
    if not addresses and not name.strip():
        fitting = sharing
    return fitting[0] if len(fitting) == 1 else None
