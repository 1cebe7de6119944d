"""A message that somebody or some rule wants to send."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crm.items.models.items import Item
    from crm.items.models.visits import StageVisit
    from crm.messages.mail.composing import NewFile
    from crm.messages.models.messages import Channel, Message
    from crm.people.models import Contact, User


@dataclass(frozen=True)
class Outgoing:
    """
    Args:
        to: an address, or a number in E.164. html: of a mail; empty: made of the text.
        contact: whose it is; None: a colleague's or a stranger's.
        item, visit: the card that it belongs to, and the stay in a stage with which it ends if it was not sent.
        author: who is shown. origin, depth: "rule:12" and the depth of its cause, where a rule sends it.
        language: of the text, a code; for the words that the mail adds.
        survives_leaving: it goes out although the card has left the stage.
        due_at: UTC; None: now. retry_hours: how long a channel that fails is tried again.
        answers: the mail of theirs that this one answers; their program shows both as one thread.
        files: what goes along, as read (content, name, kind).
        is_necessary: a password, a code, a notice to one of ours: no refusal stops it.
    """

    channel: Channel
    to: str
    text: str
    subject: str = ""
    html: str = ""
    contact: Contact | None = None
    item: Item | None = None
    visit: StageVisit | None = None
    author: User | None = None
    origin: str = ""
    depth: int = 0
    language: str = ""
    survives_leaving: bool = False
    due_at: datetime | None = None
    retry_hours: int = 24
    answers: Message | None = None
    files: Iterable[NewFile] = ()
    is_necessary: bool = False
