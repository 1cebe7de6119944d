"""E-mail addresses in one spelling, so that two ways to write one address are one: by it they are kept and compared."""

from __future__ import annotations

import re
import unicodedata

import idna

_NAMED = re.compile(r"[^<>]*<\s*([^<>\s@]+@[^<>\s@]+)\s*>[\s;,]*\Z")
LONGEST = 400  # of an address with its name, as mail programs copy it


def as_typed(text: str) -> str:
    """What a person typed or pasted, in one spelling: of `Anna Nowak <anna@example.com>` the address alone.

    Not for what mails say of themselves: there a name that looks like an address would become the sender.
    """
    named = _NAMED.match(text) if len(text) <= LONGEST else None
    return one_spelling(named[1] if named else text)


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


_LIKE_ONE = re.compile(r"(?i)https?:|www\.|@|\w\.[a-z]{2,}")
_SIGN = re.compile(r"(?<=\w)([.:@])(?=[\w/])")


def no_link(name: str) -> str:
    """A name as mails show it: whoever is called "www.example.com" gets no link in a letter of ours.

    An invisible word joiner (U+2060) stands around each sign of what looks like an address; other names are untouched.
    """
    return _SIGN.sub("\u2060\\1\u2060", name) if _LIKE_ONE.search(name) else name
