"""Which letters bytes are: what is declared counts, else what can be found out; no byte is dropped."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable
from email.errors import HeaderParseError
from email.header import decode_header

# By language: the charsets that its programs used before UTF-8, and the letters that it has beyond a to z.
OLD: dict[str, tuple[tuple[str, ...], str]] = {
    "pl": (("cp1250", "iso8859_2"), "ąćęłńóśźż"),
    "fr": (("cp1252",), "àâæçéèêëîïôœùûüÿ"),
    "vi": (
        ("cp1258",),
        "ăâđêôơư" + "".join(unicodedata.normalize("NFC", v + tone) for v in "aăâeêioôơuưy" for tone in "\u0300\u0301\u0303\u0309\u0323"),
    ),
    "de": (("cp1252",), "äöüß"),
}  # fmt: skip
SIGNS = "–—„”“’‘…€§°«»·©®×\u00a0"
# Declared, but programs mean the larger one that holds it.
LARGER = {"iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
# Python's codecs that no mail is written in; some of them take long over a foreign text.
NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}
META = re.compile(rb"""<meta[^>]{0,300}charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
CONTROLS = re.compile("[\x80-\x9f]")
# Windows-1252 where it has a letter, so that each byte is one.
WINDOWS = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(128, 160)}
MOST_SAMPLED = 100_000  # bytes of which a guess is made
ESCAPED = (b"\x1b$", b"\x1b(")  # ISO-2022-JP, which is ASCII to every other reader
ENCODED = re.compile(r"=\?[^?\s]{1,60}\?[bqBQ]\?[^?]*\?=(?:\s+=\?[^?\s]{1,60}\?[bqBQ]\?[^?]*\?=)*")


def decoded(raw: bytes, declared: str = "", guess: str = "", html: bool = False) -> str:
    """Declared and without error; the meta tag; UTF-8; the guess; else Windows-1252, in which everything is a letter.

    Args:
        guess: of `guessed`, empty where there is none.
        html: whether a meta tag may say it.
    """
    told = [declared]
    if html and (found := META.search(raw[:4096])):
        told.append(found[1].decode())
    if any(mark in raw for mark in ESCAPED):
        told.append("iso2022_jp")
    for charset in (*told, "utf-8", guess):
        text = _strictly(raw, charset)
        if text is not None:
            return text
    return raw.decode("latin-1").translate(WINDOWS)


def _strictly(raw: bytes, charset: str) -> str | None:
    """None where the bytes are not of it, or nobody knows it."""
    known = _known(charset)
    if not known:
        return None
    try:
        text = raw.decode(known)
    except (LookupError, ValueError):
        return _strictly(raw, LARGER[known]) if known in LARGER else None
    if known == "iso8859-1" and CONTROLS.search(text):
        return _strictly(raw, "cp1252") or text
    return unicodedata.normalize("NFC", text) if known == "cp1258" else text


def fits(raw: bytes, charset: str) -> bool:
    """Whether the bytes are of the charset, as far as it is known at all."""
    return _strictly(raw, charset) is not None


def _known(charset: str) -> str:
    try:
        name = codecs.lookup(charset.strip("'\" ")).name if charset else ""
    except (LookupError, ValueError):
        return ""
    return "" if name in NO_CHARSETS else name


def guessed(samples: Iterable[bytes], languages: Iterable[str]) -> str:
    """The old charset of one of the languages in which the most of the bytes are its own letters; empty for none.

    One guess for all that a mail leaves undeclared: a subject alone is too short. (charset-normalizer takes "śruby" in
    ISO-8859-2 for "¶ruby" in Windows-1250, even when it is asked of these two only.)
    """
    raw = b"\n".join(samples)[:MOST_SAMPLED]
    if raw.isascii():
        return ""
    best, most = "", 0
    for language in languages:
        charsets, letters = OLD.get(language, ((), ""))
        for charset in charsets:
            text = _strictly(raw, charset)
            beyond = [letter for letter in (text or "").lower() if ord(letter) > 127]
            points = sum(1 if letter in letters else 0 if letter in SIGNS else -1 for letter in beyond)
            if points > most:
                best, most = charset, points
    return best


# ---------------------------------------------------------------------- headers


def bare(value: object) -> bytes:
    """A header as it came; the parser keeps bytes beyond ASCII as halves of surrogate pairs."""
    return str(value).encode("utf-8", "surrogateescape")


def header(value: object, guess: str = "") -> str:
    """A header's text: its encoded words (RFC 2047), and bytes that stand there bare."""
    return words(decoded(bare(value), guess=guess), guess)


def words(text: str, guess: str = "") -> str:
    """The text with its encoded words read; what cannot be read stays as it stands."""
    return ENCODED.sub(lambda found: _words(found[0], guess), text)


def _words(text: str, guess: str) -> str:
    try:
        parts = decode_header(text)
    except (HeaderParseError, ValueError):
        return text
    return "".join(
        part if isinstance(part, str) else decoded(part, str(charset or ""), guess) for part, charset in parts
    )
