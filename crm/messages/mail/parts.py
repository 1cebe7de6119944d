"""The parts of a mail: its text in one piece, however many parts it has, and what has to be kept as a file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message as Parsed
from html import escape
from typing import Any

from tnefparse import TNEF

from crm.messages.mail import charsets

log = logging.getLogger("dealwright.mail")

MOST_LOGO = 20_000  # bytes
SHOWN = ("text/plain", "text/html")
# What servers tell each other; their words stand in the text beside it.
STRUCTURE = ("message/delivery-status", "message/feedback-report", "text/rfc822-headers", "message/rfc822-headers")


@dataclass(frozen=True)
class File:
    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Text:
    """A piece of the text; one of both forms may be empty."""

    plain: str = ""
    html: str = ""


@dataclass
class Parts:
    texts: list[Text] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    calendars: list[bytes] = field(default_factory=list)

    def html(self) -> str:
        """All pieces, as far as any of them is HTML."""
        if not any(text.html for text in self.texts):
            return ""
        return "<br>".join(text.html or f"<pre>{escape(text.plain)}</pre>" for text in self.texts)


def mended(parsed: Parsed, languages: Iterable[str]) -> str:
    """Make all headers texts, bytes that stand there bare included; returns the guess for all that is undeclared.

    Args:
        languages: codes of those in which customers write here.
    """
    parts = list(_own_parts(parsed))
    samples = [charsets.bare(value) for part in parts for _name, value in part.raw_items()]
    samples += [_bytes(part) for part in parts if _is_undeclared(part)]
    open_ = [sample for sample in samples if not sample.isascii() and not charsets.fits(sample, "utf-8")]
    guess = charsets.guessed(open_, languages)
    for part in parts:
        headers = list(part.raw_items())
        if all(str(value).isascii() for _name, value in headers):
            continue
        # In one go: to delete and set them one by one costs the square of their number.
        part._headers = [  # type: ignore[attr-defined]  # the library keeps them so
            (name, charsets.decoded(charsets.bare(value), guess=guess)) for name, value in headers
        ]
    return guess


def _own_parts(parsed: Parsed) -> Iterator[Parsed]:
    """Without those of a mail within it, which is kept as it came."""
    yield parsed
    inner: Any = parsed.get_payload()
    if parsed.is_multipart() and parsed.get_content_type() != "message/rfc822":
        for part in inner:
            yield from _own_parts(part)


def _is_undeclared(part: Parsed) -> bool:
    """A text of no charset, or of one that it is not written in."""
    if part.get_content_maintype() != "text" or part.is_multipart():
        return False
    return not charsets.fits(_bytes(part), str(part.get_param("charset") or ""))


def _bytes(part: Parsed) -> bytes:
    content: Any = part.get_payload(decode=True)
    return content or b""


def taken_apart(parsed: Parsed, guess: str, plainly: bool = False) -> Parts:
    """The mail's pieces.

    Args:
        guess: of `mended`, which has to come first.
        plainly: plain text alone.
    """
    found = Parts()
    if not plainly:
        _take(parsed, guess, found)
        return found
    for part in _own_parts(parsed):
        if part.get_content_type() == "text/plain" and not part.get_filename():
            found.texts.append(Text(plain=_text(part, guess, False)))
    return found


def _take(part: Parsed, guess: str, found: Parts) -> None:
    kind = part.get_content_type()
    if kind == "message/rfc822":
        found.files.append(_attached_mail(part))
    elif kind in STRUCTURE:
        return
    elif part.is_multipart():
        inner: Any = part.get_payload()
        if kind == "multipart/alternative":
            _take_alternatives(inner, guess, found)
        else:
            for child in inner:
                _take(child, guess, found)
    elif kind in SHOWN and part.get_content_disposition() != "attachment" and not part.get_filename():
        text = _text(part, guess, kind == "text/html")
        if text.strip():
            found.texts.append(Text(html=text) if kind == "text/html" else Text(plain=text))
    else:
        _take_file(part, kind, guess, found)


def _take_alternatives(inner: list[Parsed], guess: str, found: Parts) -> None:
    """The same text in several forms is one piece."""
    forms = Parts(files=found.files, calendars=found.calendars)
    for child in inner:
        _take(child, guess, forms)
    plain = "\n\n".join(text.plain for text in forms.texts if text.plain)
    html = "<br>".join(text.html for text in forms.texts if text.html)
    if plain or html:
        found.texts.append(Text(plain, html))


def _text(part: Parsed, guess: str, html: bool) -> str:
    return charsets.decoded(_bytes(part), str(part.get_param("charset") or ""), guess, html)


def _take_file(part: Parsed, kind: str, guess: str, found: Parts) -> None:
    content = _bytes(part)
    # A small picture within the text is a logo of a signature; a large one may be what the mail is about.
    is_logo = part.get_content_disposition() == "inline" and part.get("Content-ID") and len(content) < MOST_LOGO
    if not content or is_logo:
        return
    name = charsets.words(part.get_filename() or "", guess)
    if kind == "application/ms-tnef" or name.lower() == "winmail.dat":
        found.files.extend(_within_tnef(content) or [File(name, kind, content)])
        return
    if kind == "text/calendar":
        found.calendars.append(content)
        name = name or "invitation.ics"
    found.files.append(File(name or kind.replace("/", "."), kind, content))


def _attached_mail(part: Parsed) -> File:
    """A mail within a mail stays one, under its own subject."""
    inner: Any = part.get_payload()
    mail = inner[0] if isinstance(inner, list) and inner else None
    content = mail.as_bytes() if mail is not None else _bytes(part)
    title = part.get_filename() or (charsets.header(mail.get("Subject", "")) if mail is not None else "")
    name = "".join(letter for letter in charsets.words(str(title)) if letter not in '/\\:*?"<>|').strip() or "mail"
    return File(name if name.lower().endswith(".eml") else f"{name[:150]}.eml", "message/rfc822", content)


def _within_tnef(content: bytes) -> list[File]:
    """What Outlook packed into winmail.dat; empty for one that cannot be opened."""
    try:
        packed = TNEF(content, do_checksum=False)
        return list(_tnef_files(packed))
    except Exception:  # the parser meets foreign bytes; the file is kept as it came
        log.warning("a winmail.dat could not be opened", exc_info=True)
        return []


def _tnef_files(packed: Any) -> Iterator[File]:
    for attached in packed.attachments:
        name = attached.long_filename() or attached.name
        if isinstance(name, bytes):
            name = charsets.decoded(name)
        if attached.data:
            yield File(str(name).strip("\0") or "file", "application/octet-stream", bytes(attached.data))
