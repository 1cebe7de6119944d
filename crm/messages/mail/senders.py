"""Who really writes: a person, the program of a web site for a person, or one of ours who passes a mail on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from email.utils import parseaddr

from crm.ground.addresses import one_spelling
from crm.messages.mail import quotes
from crm.messages.mail.reading import Incoming, Unreadable, read_guarded
from crm.messages.models.messages import Channel, Medium, Message
from crm.people.models import User

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
        through: the program that wrote for the sender.
        doubtful: the server that took it in says that the sender is forged.
    """

    mail: Incoming
    colleague: User | None = None
    passed_on: bool = False
    comment: str = ""
    through: str = ""
    doubtful: bool = False

    @property
    def is_colleagues(self) -> bool:
        return self.colleague is not None and not self.passed_on


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
    """None for a circle of our own: a mail that one of our channels sent, and got back."""
    own = ours()
    if mail.sender in own or is_robot(mail.sender, channel):
        return _of_program(channel, mail, own)
    colleague = User.objects.filter(email=mail.sender, is_active=True).first() if mail.sender else None
    if colleague is None:
        return Letter(mail)
    if mail.forged:
        # In the name of one of ours, and the server that took it in says that it is not: nobody's words.
        return Letter(replace(mail, automatic=True), doubtful=True)
    return _of_colleague(mail, colleague, own)


def _of_program(channel: Channel, mail: Incoming, own: set[str]) -> Letter | None:
    """A form of a web site sends in its own name, and says whom to answer. Of people Reply-To is a wish only."""
    if mail.answer_to and mail.answer_to not in own and not is_robot(mail.answer_to, channel):
        theirs = replace(mail, sender=mail.answer_to, name=mail.answer_name, is_list=False, is_bulk=False)
        return Letter(theirs, through=mail.sender)
    if mail.sender in own and Message.marked(mail.message_id) is not None:
        return None
    return Letter(replace(mail, automatic=True))


def _of_colleague(mail: Incoming, colleague: User, own: set[str]) -> Letter:
    if Message.known_thread(mail.thread):
        return Letter(mail, colleague)
    found = quotes.passed_on(mail.whole)
    if found is not None and _is_strangers(found.address, own):
        theirs = replace(
            mail,
            sender=found.address[:254],
            name=found.name[:200],
            subject=(found.subject or mail.subject)[:250],
            text=found.text,
        )
        return Letter(theirs, colleague, passed_on=True, comment=found.comment)
    for file in mail.files:
        if file.kind != "message/rfc822":
            continue
        try:
            inner = read_guarded(file.content)
        except Unreadable:
            continue
        if _is_strangers(inner.sender, own):
            theirs = replace(mail, sender=inner.sender, name=inner.name, subject=inner.subject, text=inner.text)
            return Letter(theirs, colleague, passed_on=True, comment=mail.text)
    return Letter(mail, colleague)


def _is_strangers(address: str, own: set[str]) -> bool:
    """What colleagues write to each other makes nobody a customer."""
    return bool(address) and address not in own and not User.objects.filter(email=address).exists()
