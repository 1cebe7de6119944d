"""A mail as it came, read without trusting it: who, what thread, which words are new, is it a person's at all."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Parsed
from email.utils import getaddresses
from typing import Any

import nh3
from django.conf import settings
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

from crm.ground.addresses import one_spelling
from crm.messages.mail import invitations
from crm.messages.mail.charsets import words
from crm.messages.mail.guarded import TooMuch, guarded
from crm.messages.mail.parts import File, Parts, Text, mended, taken_apart
from crm.messages.mail.quotes import new_html, without_quotes
from crm.messages.mail.reports import ADDRESS, Report, first_id, report_of

log = logging.getLogger("dealwright.mail")

MOST_BYTES = 25 * 1024 * 1024  # of a whole mail; of a larger one only its beginning is read
MOST_TEXT = 100_000  # characters kept of a mail's text
MOST_HTML = 500_000
MOST_ADDRESSES = 200

OURS = re.compile(rf'<img[^>]*src="{re.escape(settings.LINK_URL)}/m/[^"]*"[^>]*>')

SHOWN = ParserConfig(display_links=True)  # [text](address)
TAGS = nh3.ALLOWED_TAGS - {"area", "map"}
ATTRIBUTES = {**nh3.ALLOWED_ATTRIBUTES, "*": {"style", "dir", "align", "width", "height"}}
STYLES = {
    "color", "background-color", "font-family", "font-size", "font-style", "font-weight", "text-align",
    "text-decoration", "line-height", "margin", "margin-left", "margin-bottom", "margin-top", "padding",
    "border", "border-left", "border-collapse", "width",
}  # fmt: skip


@dataclass
class Incoming:
    """A mail as read. `text` without what it quotes, `whole` with it, `html` harmless; both may be empty.

    Args:
        key: of this very mail: its id, sender and date, since some programs give all their mails one id.
        sender: From, else Sender; empty for neither. `answer_to` is whom it asks to be answered.
        reached: addresses that it says it went to.
        automatic: a program's answer. `is_list`: a list's or sent in bulk; `is_bulk`: one can be unsubscribed from it.
        forged: the server that took it in says that it does not come from where it claims.
        invitation, reply: as crm.messages.mail.invitations reads them.
        raw: as it came.
    """

    key: str
    message_id: str
    thread: list[str]
    sender: str
    name: str
    answer_to: str
    answer_name: str
    reached: list[str]
    subject: str
    text: str
    whole: str
    html: str
    automatic: bool
    is_list: bool
    is_bulk: bool
    forged: bool
    raw: bytes
    cut: bool = False
    plainly: bool = False
    files: list[File] = field(default_factory=list)
    report: Report | None = None
    invitation: dict[str, Any] | None = None
    reply: dict[str, Any] | None = None


class Unreadable(Exception):
    """The mail is so broken that nothing can be told of it."""


def read(raw: bytes, cut: bool = False, languages: Iterable[str] = (), plainly: bool = False) -> Incoming:
    """A strange mail is read as far as it goes. Raises Unreadable.

    Args:
        raw: RFC 5322, as it came.
        cut: only the beginning of a mail that is too large; its files are left out.
        languages: codes of those in which customers write here: bytes of no declared charset are read by them.
        plainly: headers and plain text alone, for a mail whose other parts take too long.
    """
    try:
        return _read(raw, cut, list(languages), plainly)
    except Exception as error:  # parsers of foreign texts fail in too many ways to name them
        log.warning("a mail could not be read", exc_info=True)
        raise Unreadable(str(error)) from error


def read_guarded(raw: bytes, cut: bool = False, languages: Iterable[str] = ()) -> Incoming:
    """As `read`, for what strangers send: in a child process with limits. Raises Unreadable."""
    for plainly in (False, True):
        try:
            return guarded(read, raw, cut, list(languages), plainly)
        except TooMuch as error:
            fault = str(error)
    raise Unreadable(fault)


def _read(raw: bytes, cut: bool, languages: list[str], plainly: bool) -> Incoming:
    parsed = message_from_bytes(raw)
    guess = mended(parsed, languages)
    parts = taken_apart(parsed, guess, plainly)
    message_id = first_id(_line(parsed.get("Message-ID", "")))
    name, sender = _who(parsed, guess, "From", "Sender")
    answer_name, answer_to = _who(parsed, guess, "Reply-To")
    report = report_of(parsed)
    invitation, reply = _invitation(parts), _reply(parts)
    whole, text = _texts(parts)
    date = _line(parsed.get("Date", ""))
    return Incoming(
        key=hashlib.sha256(f"{message_id}\n{sender}\n{date}".encode() if message_id else raw).hexdigest()[:40],
        message_id=message_id,
        thread=_thread(parsed),
        sender=sender,
        name=name,
        answer_to=answer_to,
        answer_name=answer_name,
        reached=_reached(parsed),
        subject=_line(words(str(parsed.get("Subject", "")), guess))[:250],
        text=text,
        whole=whole,
        html=_clean(parts.html())[:MOST_HTML],
        automatic=report is not None or _is_automatic(parsed),
        is_list=bool(parsed.get("List-Id")) or _line(parsed.get("Precedence", "")).lower() in ("bulk", "list"),
        is_bulk=bool(parsed.get("List-Unsubscribe")),
        forged=_is_forged(parsed),
        raw=raw,
        cut=cut,
        plainly=plainly,
        files=[] if cut or report else [_plainly_named(file) for file in parts.files],
        report=report,
        invitation=invitation,
        reply=reply,
    )


def _who(parsed: Parsed, guess: str, *headers: str) -> tuple[str, str]:
    """(name, address) of the first header that has an address; taken apart before its encoded words are read, as a name
    may hold any sign."""
    for header in headers:
        for name, address in getaddresses([str(value) for value in parsed.get_all(header, [])]):
            if "@" in address:
                return _line(words(name, guess))[:200], one_spelling(_line(address))[:254]
    return "", ""


def _reached(parsed: Parsed) -> list[str]:
    values = [str(v) for header in ("To", "Cc", "Delivered-To", "X-Original-To") for v in parsed.get_all(header, [])]
    found = (one_spelling(_line(address)) for _name, address in getaddresses(values) if "@" in address)
    return list(dict.fromkeys(found))[:MOST_ADDRESSES]


def _texts(parts: Parts) -> tuple[str, str]:
    """(everything, what is new); pieces are separated by blank lines."""
    whole = "\n\n".join(filter(None, map(_plain_of, parts.texts)))[:MOST_TEXT]
    html_only = [text for text in parts.texts if not text.plain]
    if len(parts.texts) == 1 and html_only:
        fresh = _plain(as_text(_clean(new_html(_whole(html_only[0].html[: 4 * MOST_HTML])))))
        if fresh:
            return whole, without_quotes(fresh)
    return whole, without_quotes(whole)


def _plain_of(text: Text) -> str:
    return _plain(text.plain) or _plain(as_text(_clean(text.html)))


def _invitation(parts: Parts) -> dict[str, Any] | None:
    """The first that can be read; where nothing else is written, its own words are the mail's."""
    for calendar in parts.calendars:
        try:
            found = invitations.read(calendar)
        except Exception:  # a parser meets foreign bytes; the file is kept in any case
            log.warning("an invitation could not be read", exc_info=True)
            continue
        if found is not None:
            if not parts.texts:
                parts.texts.append(Text(plain=found["description"] or found["summary"]))
            return found
    return None


def _reply(parts: Parts) -> dict[str, Any] | None:
    """The answer to an invitation of ours; of several calendars the first that is one."""
    for calendar in parts.calendars:
        try:
            found = invitations.read_reply(calendar)
        except Exception:  # a parser meets foreign bytes; the file is kept in any case
            log.warning("an answer to an invitation could not be read", exc_info=True)
            continue
        if found is not None:
            return found
    return None


def _is_forged(parsed: Parsed) -> bool:
    """RFC 8601: what the server that took it in found; the first such line is the last server's, ours."""
    told = str(parsed.get("Authentication-Results", "")).lower()
    if "dmarc=" in told:
        return "dmarc=fail" in told
    return "spf=fail" in told and "dkim=pass" not in told


def _plainly_named(file: File) -> File:
    name = _line(file.name) or "file"
    return File(name[-200:], file.kind, file.content)


def as_text(html: str) -> str:
    """HTML as readable plain text."""
    return str(get_text(html, SHOWN)).strip() if html.strip() else ""


def _without_data_links(tag: str, attribute: str, value: str) -> str | None:
    """A picture may lie within the mail; what a click opens may not: it would be a page of nobody's."""
    inside = re.sub(r"[\s\x00-\x20]", "", value).lower().startswith(("data:", "cid:"))
    return None if inside and (tag, attribute) != ("img", "src") else value


def clean(html: str) -> str:
    """Foreign HTML without what acts: no script, form, frame, style sheet or foreign address scheme."""
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        filter_style_properties=STYLES,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        attribute_filter=_without_data_links,
        link_rel="noopener noreferrer nofollow",
    )


def _clean(html: str) -> str:
    safe = clean(_whole(html)[: 4 * MOST_HTML])
    # What quotes our mail carries our own picture along; a colleague who reads it is not the customer.
    return OURS.sub("", safe)


def _whole(text: str) -> str:
    """Letters that every database keeps: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _plain(text: str) -> str:
    return _whole(text).replace("\r\n", "\n")[:MOST_TEXT].strip()


def _line(text: Any) -> str:
    """One line without what cannot be printed."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in _whole(str(text))).split())


def _thread(parsed: Parsed) -> list[str]:
    """Message-IDs that it answers, the nearest first."""
    answers = ADDRESS.findall(_line(parsed.get("In-Reply-To", "")))
    earlier = ADDRESS.findall(_line(parsed.get("References", "")))
    return list(dict.fromkeys([*answers, *reversed(earlier)]))[:50]


def _is_automatic(parsed: Parsed) -> bool:
    """RFC 3834 and its older kin: an answer to such a mail would be answered by a program again."""
    said = {name: str(parsed.get(name, "")).strip().lower() for name in ("Auto-Submitted", "Precedence", "Return-Path")}
    if said["Auto-Submitted"] not in ("", "no") or said["Precedence"] in ("junk", "auto_reply"):
        return True
    marks = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress")
    return said["Return-Path"] == "<>" or any(parsed.get(name) for name in marks)
