"""Which files are taken in: known by their content, never by what they are called."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

import puremagic
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MOST_BYTES = 25 * 1024 * 1024
MOST_FILES = 10
# By ending: what the content must look like, and as what it is handed out.
OFFICE = "application/vnd.openxmlformats-officedocument"
KINDS: dict[str, str] = {
    ".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
    ".webp": "image/webp", ".zip": "application/zip", ".docx": f"{OFFICE}.wordprocessingml.document",
    ".xlsx": f"{OFFICE}.spreadsheetml.sheet", ".pptx": f"{OFFICE}.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".mp3": "audio/mpeg", ".wav": "audio/x-wav",
    ".ogg": "audio/ogg", ".mp4": "video/mp4",
}  # fmt: skip
TEXTS = (".txt", ".csv", ".md", ".log")
_ZIPPED = (".zip", ".docx", ".xlsx", ".pptx", ".odt", ".ods")
_OLD_OFFICE = (".doc", ".xls")


def checked(file: Any) -> tuple[str, str]:
    """The plain name and the kind of an uploaded file. Raises ValidationError in words."""
    name = PurePath(str(file.name).replace("\\", "/")).name
    name = "".join(letter for letter in name if letter.isprintable())[-200:] or "?"
    if file.size > MOST_BYTES:
        raise ValidationError(
            _("“%(name)s” is larger than %(most)d MB.") % {"name": name, "most": MOST_BYTES // 1048576}
        )
    ending = PurePath(name).suffix.lower()
    head = file.read(65536)
    file.seek(0)
    if not head:
        raise ValidationError(_("“%s” is empty.") % name)
    if ending in TEXTS and _is_text(head):
        return name, "text/plain"
    if ending == ".eml" and _is_mail(head):
        return name, "message/rfc822"
    if ending == ".ics" and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"BEGIN:VCALENDAR"):
        return name, "text/calendar"
    if ending in KINDS and _looks_like(head, ending):
        return name, KINDS[ending]
    raise ValidationError(_("“%s” is not a kind of file that is taken in, or not what its name says.") % name)


def _is_text(head: bytes) -> bool:
    """Letters only, and no page that a browser might open as one."""
    if b"\0" in head:
        return False
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    return not start.startswith((b"<!doctype", b"<html", b"<svg", b"<?xml", b"<script", b"mz", b"#!"))


def _is_mail(head: bytes) -> bool:
    """Begins with header lines."""
    return bool(re.match(rb"(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*){2}", head))


def _looks_like(head: bytes, ending: str) -> bool:
    if ending in _ZIPPED:
        return head.startswith(b"PK\x03\x04")
    if ending in _OLD_OFFICE:
        return head.startswith(b"\xd0\xcf\x11\xe0")
    try:
        found = {match.extension.lower() for match in puremagic.magic_string(head)}
    except puremagic.PureError:
        return False
    same = {".jpg": {".jpg", ".jpeg", ".jfif"}, ".jpeg": {".jpg", ".jpeg", ".jfif"}, ".ogg": {".ogg", ".oga", ".opus"}}
    return bool(found & same.get(ending, {ending}))
