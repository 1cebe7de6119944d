"""Who really writes: a person, the program of a web site for a person, or one of ours who passes a mail on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from email.utils import parseaddr

from crm.addresses import one_spelling
from crm.mail import quotes
from crm.mail.reading import Incoming, Unreadable, read
from crm.models import Channel, Medium, User

# The part before the @ of programs that write for others, or that nobody answers.
ROBOT = re.compile(
    r"(no|do[-_.]?not)[-_.]?reply([-_.+].*)?|wordpress|www-data|apache|nginx|nobody|mailer|robot|notifications?"
)


@dataclass(frozen=True)
class Letter:
    """A mail with its real sender.

    Args:
        colleague: whose mailbox it came from, one of ours; the words are then his, unless `passed_on`.
        passed_on: the words are a customer's, whom the colleague's mail quotes; `comment` is the colleague's.
    """

    mail: Incoming
    colleague: User | None = None
    passed_on: bool = False
    comment: str = ""


def ours() -> set[str]:
    """Addresses of our channels."""
    senders = Channel.objects.filter(medium=Medium.EMAIL).values_list("sender", flat=True)
    return {one_spelling(parseaddr(sender)[1]) for sender in senders} - {""}


def is_robot(address: str, channel: Channel) -> bool:
    """By its name, or since an administrator has listed the address or its whole domain ("@shop.example")."""
    local, _at, domain = address.rpartition("@")
    listed = {one_spelling(line) for line in channel.robots.split()}
    return bool(ROBOT.fullmatch(local)) or address in listed or f"@{domain}" in listed


def letter(channel: Channel, mail: Incoming) -> Letter | None:
    """None for a circle of our own: what our channels sent to themselves."""
    own = ours()
    if mail.sender in own or is_robot(mail.sender, channel):
        if mail.answer_to and mail.answer_to not in own:
            # A form of a web site sends in its own name, and says whom to answer. Of people Reply-To is a wish only.
            return Letter(replace(mail, sender=mail.answer_to, name=mail.answer_name))
        return None if mail.sender in own else Letter(replace(mail, automatic=True))
    colleague = User.objects.filter(email=mail.sender, is_active=True).first() if mail.sender else None
    return _of_colleague(mail, colleague) if colleague is not None else Letter(mail)


def _of_colleague(mail: Incoming, colleague: User) -> Letter:
    found = None if mail.thread else quotes.passed_on(mail.whole)
    if found is not None and found.address != mail.sender:
        theirs = replace(
            mail,
            sender=found.address[:254],
            name=found.name[:200],
            subject=(found.subject or mail.subject)[:250],
            text=found.text,
        )
        return Letter(theirs, colleague, passed_on=True, comment=found.comment)
    for file in () if mail.thread else mail.files:
        if file.kind != "message/rfc822":
            continue
        try:
            inner = read(file.content)
        except Unreadable:
            continue
        if inner.sender and inner.sender != mail.sender:
            theirs = replace(mail, sender=inner.sender, name=inner.name, subject=inner.subject, text=inner.text)
            return Letter(theirs, colleague, passed_on=True, comment=mail.text)
    return Letter(mail, colleague)
