"""How a mail that leaves is put together: HTML with its styles in the tags, the same as text, files, a thread."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from typing import Any

import css_inline
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.html import escape, format_html, urlize
from django.utils.safestring import mark_safe

from crm.company.models import OwnCompany
from crm.messages import tracking
from crm.messages.mail.reading import as_text, clean
from crm.messages.models.messages import Message

MOST_FILE_BYTES = 20 * 1024 * 1024  # of all files of one mail; servers rarely take more than 25 MB
COLOUR = "#1f6f54"


@dataclass(frozen=True)
class NewFile:
    """A file that shall go along with a mail. `key`: of the paper that it is (crm/slots.py), or empty."""

    content: bytes
    name: str
    kind: str
    key: str = ""


PLAIN = '<!doctype html><html><body style="font:16px/1.5 sans-serif;color:#1f2a3a">{}</body></html>'


def html_of(text: str) -> str:
    """A plain text as a simple mail: everything escaped, links clickable, lines kept."""
    lines = mark_safe("<br>".join(urlize(escape(line), nofollow=True) for line in text.splitlines()))
    return format_html(PLAIN, lines)


def written(html: str) -> tuple[str, str]:
    """What somebody wrote in the editor: (text part, whole HTML of a plain letter)."""
    safe = clean(html)
    return as_text(safe), format_html(PLAIN, mark_safe(safe))


def letter(html: str, subject: str, language: str) -> tuple[str, str]:
    """On the company's letter paper: (text part, whole HTML with its styles in the tags)."""
    safe = clean(html)
    own = OwnCompany.first()
    context = {"html": mark_safe(safe), "subject": subject, "own": own, "language": language, "colour": COLOUR}
    page = css_inline.inline(render_to_string("mail/letter.html", context), load_remote_stylesheets=False)
    return as_text(safe), page


def email_of(message: Message, connection: Any) -> EmailMultiAlternatives:
    """The mail as it is handed to a server or service: tracked, in its thread, with its files."""
    headers = {"Message-ID": message.public_address(), **tracking.unsubscribe_headers(message)}
    if message.is_automatic or message.contact_id is None:
        headers["Auto-Submitted"] = "auto-generated"  # RFC 3834: no program answers it, so no circle begins
    answered = message.answers
    if answered is not None and answered.mail_id:
        headers["In-Reply-To"] = headers["References"] = answered.mail_id
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=_sender(message.channel.sender),
        to=[message.to],
        headers=headers,
        connection=connection,
    )
    if message.html:
        mail.attach_alternative(tracking.outgoing_html(message), "text/html")
    for file in message.attachments.order_by("pk"):
        with file.file.open("rb") as content:
            mail.attach(file.name, content.read(), file.kind)
    return mail


def _sender(sender: str) -> str:
    name, address = parseaddr(sender)
    return formataddr((name, address)) if address else sender
