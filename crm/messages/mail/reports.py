"""What mail servers and services tell of a mail of ours: it came back, or its reader complained."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_string
from email.message import Message as Parsed
from typing import Any

from crm.ground.addresses import one_spelling

ADDRESS = re.compile(r"<[^<>\s]{3,400}>")


@dataclass(frozen=True)
class Report:
    """What a mail server or service tells of a mail of ours. `kind`: "bounced" or "complained"."""

    kind: str
    about: str  # the Message-ID of our mail, or empty
    recipient: str
    permanent: bool
    words: str


def first_id(text: str) -> str:
    found = ADDRESS.search(text)
    return found[0] if found else ""


def report_of(parsed: Parsed) -> Report | None:
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
            words = payload.decode("utf-8", "replace").replace("\0", "").strip()[:300]
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
        blocks = [message_from_string(blocks)]
    return {name.lower(): str(value) for block in blocks for name, value in block.items()}


def _inner_id(part: Parsed) -> str:
    payload: Any = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else None
    if inner is not None and inner.get("Message-ID"):
        return first_id(str(inner["Message-ID"]))
    text = str(payload) if not isinstance(payload, list) else (inner.as_string() if inner else "")
    found = re.search(r"^Message-ID:\s*(<[^<>\s]+>)", text, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""
