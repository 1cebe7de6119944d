"""A mail as it came, read without trusting it: who, what thread, which words are new, is it a person's at all."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, field
from email.message import Message as Parsed
from typing import Any

import nh3
from django.conf import settings
from imap_tools import MailMessage
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

from crm.addresses import one_spelling

log = logging.getLogger("dealwright.mail")

MOST_BYTES = 25 * 1024 * 1024  # of a whole mail; of a larger one only its beginning is read
MOST_TEXT = 100_000  # characters kept of a mail's text
MOST_HTML = 500_000
MOST_LOGO = 20_000  # bytes

OURS = re.compile(rf'<img[^>]*src="{re.escape(settings.LINK_URL)}/m/[^"]*"[^>]*>')
ADDRESS = re.compile(r"<[^<>\s]{3,400}>")
LONGEST_LINE = 200  # of what may introduce a quotation
# Outlook's block: "From: …" and at least two more such lines.
HEADER_LINE = re.compile(
    r"^\s*\*?(From|Od|De|Từ|Sent|Wysłano|Envoyé|Đã gửi|To|Do|À|Đến|Subject|Temat|Objet|Chủ đề)\s?:"
)

SHOWN = ParserConfig(display_links=True)  # [text](address)
TAGS = nh3.ALLOWED_TAGS - {"area", "map"}
ATTRIBUTES = {**nh3.ALLOWED_ATTRIBUTES, "*": {"style", "dir", "align", "width", "height"}}
STYLES = {
    "color", "background-color", "font-family", "font-size", "font-style", "font-weight", "text-align",
    "text-decoration", "line-height", "margin", "margin-left", "margin-bottom", "margin-top", "padding",
    "border", "border-left", "border-collapse", "width",
}  # fmt: skip


@dataclass(frozen=True)
class File:
    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Report:
    """What a mail server or service tells of a mail of ours. `kind`: "bounced" or "complained"."""

    kind: str
    about: str  # the Message-ID of our mail, or empty
    recipient: str
    permanent: bool
    words: str


@dataclass
class Incoming:
    """A mail as read. `text` without what it quotes, `whole` with it, `html` harmless; both may be empty."""

    key: str
    message_id: str
    thread: list[str]
    sender: str
    answer_to: str
    name: str
    subject: str
    text: str
    whole: str
    html: str
    automatic: bool
    cut: bool = False
    files: list[File] = field(default_factory=list)
    report: Report | None = None


class Unreadable(Exception):
    """The mail is so broken that nothing can be told of it."""


def read(raw: bytes, cut: bool = False) -> Incoming:
    """A strange mail is read as far as it goes. Raises Unreadable.

    Args:
        raw: RFC 5322, as it came.
        cut: only the beginning of a mail that is too large; its files are left out.
    """
    try:
        return _read(raw, cut)
    except Exception as error:  # parsers of foreign texts fail in too many ways to name them
        log.warning("a mail could not be read", exc_info=True)
        raise Unreadable(str(error)) from error


def _read(raw: bytes, cut: bool) -> Incoming:
    mail = MailMessage.from_bytes(raw)
    parsed: Parsed = mail.obj
    message_id = _first(_line(parsed.get("Message-ID", "")))
    sender, answer_to = mail.from_values, mail.reply_to_values
    html = _clean(mail.html)[:MOST_HTML]
    whole = _plain(mail.text) or _plain(as_text(html))
    report = _report(parsed)
    return Incoming(
        key=hashlib.sha256(message_id.encode() or raw).hexdigest()[:40],
        message_id=message_id,
        thread=_thread(parsed),
        sender=one_spelling(_line(sender.email if sender else ""))[:254],
        answer_to=one_spelling(_line(answer_to[0].email if answer_to else ""))[:254],
        name=_line(sender.name if sender else "")[:200],
        subject=_line(mail.subject)[:250],
        text=without_quotes(whole),
        whole=whole,
        html=html,
        automatic=report is not None or _is_automatic(parsed),
        cut=cut,
        files=[] if cut or report else _files(mail),
        report=report,
    )


def as_text(html: str) -> str:
    """HTML as readable plain text."""
    return str(get_text(html, SHOWN)).strip() if html.strip() else ""


def clean(html: str) -> str:
    """Foreign HTML without what acts: no script, form, frame, style sheet or foreign address scheme."""
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        filter_style_properties=STYLES,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
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


def _first(text: str) -> str:
    found = ADDRESS.search(text)
    return found[0] if found else ""


def _thread(parsed: Parsed) -> list[str]:
    """Message-IDs that it answers, the nearest first."""
    answers = ADDRESS.findall(_line(parsed.get("In-Reply-To", "")))
    earlier = ADDRESS.findall(_line(parsed.get("References", "")))
    return list(dict.fromkeys([*answers, *reversed(earlier)]))[:50]


def _is_automatic(parsed: Parsed) -> bool:
    """RFC 3834 and its older kin: an answer to such a mail would be answered by a program again."""
    said = {name: str(parsed.get(name, "")).strip().lower() for name in ("Auto-Submitted", "Precedence", "Return-Path")}
    if said["Auto-Submitted"] not in ("", "no") or said["Precedence"] in ("bulk", "junk", "list", "auto_reply"):
        return True
    marks = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "List-Id")
    return said["Return-Path"] == "<>" or any(parsed.get(name) for name in marks)


def without_quotes(text: str) -> str:
    """What is new in an answer: the text before the first quoted block that reaches to the end, in any language."""
    lines = text.split("\n")
    block = _last_block(lines)
    for number, line in enumerate(lines):
        if _separates(line) and _quotes(lines[number + 1 : number + 5]):
            return _upto(lines, number) or text
        if number == block:
            return _upto(lines, _introduction(lines, number)) or text
        if _is_header_block(lines, number):
            return _upto(lines, number) or text
    return text


def _last_block(lines: list[str]) -> int:
    """Where the quoted lines begin that reach to the end; -1 for none."""
    first = -1
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].startswith(">"):
            first = number
        elif lines[number].strip():
            break
    return first


def _separates(line: str) -> bool:
    """ "-----Original Message-----", or a rule of underscores."""
    line = line.strip()
    if len(line) > LONGEST_LINE:
        return False
    return (line.startswith("----") and line.endswith("----") and line.strip("- ") != "") or (
        len(line) >= 20 and not line.strip("_")
    )


def _quotes(lines: list[str]) -> bool:
    return any(HEADER_LINE.match(line[:LONGEST_LINE]) for line in lines)


def _introduction(lines: list[str], number: int) -> int:
    """Where the sentence begins that introduces the quotation; it may be broken over three lines.

    "On … Anna wrote:", "W dniu … napisał(a):", "… a écrit :", "… đã viết:" all end with a colon.
    """
    before = number - 1
    while before >= 0 and not lines[before].strip():
        before -= 1
    if before < 0 or not lines[before].rstrip().endswith((":", "：")):
        return number
    for _more in range(2):
        if before > 0 and lines[before - 1].strip():
            before -= 1
    return before


def _is_header_block(lines: list[str], number: int) -> bool:
    if not HEADER_LINE.match(lines[number][:LONGEST_LINE]):
        return False
    return sum(bool(HEADER_LINE.match(line[:LONGEST_LINE])) for line in lines[number : number + 5]) >= 3


def _upto(lines: list[str], number: int) -> str:
    return "\n".join(lines[:number]).strip()


def _files(mail: Any) -> list[File]:
    """Attachments, without the pictures that a text shows within itself and without parts of its structure."""
    found = []
    for part in mail.attachments:
        # A small picture within the text is a logo of a signature; a large one may be what the mail is about.
        if part.content_disposition == "inline" and part.content_id and part.size < MOST_LOGO:
            continue
        if part.payload:
            name = _line(part.filename) or part.content_type.replace("/", ".")
            found.append(File(name[-200:], part.content_type, part.payload))
    return found


# ---------------------------------------------------------------------- what servers tell


def _report(parsed: Parsed) -> Report | None:
    """A delivery status notification (RFC 3464) or a complaint (RFC 5965)."""
    if parsed.get_content_type() != "multipart/report":
        return None
    about, words = "", ""
    fields: dict[str, str] = {}
    for part in parsed.walk():
        kind = part.get_content_type()
        if kind in ("message/delivery-status", "message/feedback-report"):
            fields |= _fields_of(part)
        elif kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers") and not about:
            about = _inner_id(part)
        elif kind == "text/plain" and not words:
            payload: Any = part.get_payload(decode=True) or b""
            words = _plain(payload.decode("utf-8", "replace"))[:300]
    if str(parsed.get_param("report-type", "")).lower() == "feedback-report":
        recipient = fields.get("original-rcpt-to", "").strip("<>")
        return Report("complained", about, one_spelling(recipient), True, words)
    if fields.get("action", "").lower() != "failed":
        return None
    recipient = (fields.get("final-recipient") or fields.get("original-recipient") or "").split(";")[-1].strip()
    said = fields.get("diagnostic-code", "").partition(";")[2].strip() or words
    return Report("bounced", about, one_spelling(recipient), fields.get("status", "5").startswith("5"), said[:300])


def _fields_of(part: Parsed) -> dict[str, str]:
    """The fields of all its blocks; the parser makes a message of each."""
    blocks: Any = part.get_payload()
    if isinstance(blocks, str):
        from email import message_from_string

        blocks = [message_from_string(blocks)]
    return {name.lower(): str(value) for block in blocks for name, value in block.items()}


def _inner_id(part: Parsed) -> str:
    payload: Any = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else None
    if inner is not None and inner.get("Message-ID"):
        return _first(str(inner["Message-ID"]))
    text = str(payload) if not isinstance(payload, list) else (inner.as_string() if inner else "")
    found = re.search(r"^Message-ID:\s*(<[^<>\s]+>)", text, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""
