"""E-mail addresses in one spelling, so that two ways to write one address are one: by it they are kept and compared."""

from __future__ import annotations

import unicodedata

import idna


def one_spelling(text: str) -> str:
    """Lower case, the domain as people read it: `KONTAKT@xn--w-uga1v8h.example` is `kontakt@żółw.example`.

    Lower case before the @ too: the standard would allow two mailboxes there, no provider does.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).lower().rpartition("@")
    return f"{local}@{'.'.join(map(_readable, domain.split('.')))}" if at else domain


def _readable(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.decode(label)
    except idna.IDNAError:
        return label  # no word of any language: another address, or nobody's
