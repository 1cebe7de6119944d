"""A word to colleagues. Whoever has something to say says it here; how it reaches them is the *notices* slot's matter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm import slots
from crm.ground.sentences import spoken

if TYPE_CHECKING:
    from crm.people.models import User


@dataclass(frozen=True)
class Notice:
    """What a filler of the slot gets.

    Args:
        people: each once. text: a Sentence is worded in each reader's language; a plain text stays as it is.
        item: the card that it is about. kind: what people choose by how to hear of it. sender: the colleague who wrote it.
        group: while a notice of this group is unread, no other comes.
        subject: it is a mail that everybody gets, whatever they chose; empty: each hears as chosen.
    """

    people: tuple[User, ...]
    text: str
    item: Any = None
    kind: str = "notice"
    sender: User | None = None
    group: str = ""
    subject: str = ""


def _hand_out(notice: Notice) -> None:
    for tell in slots.notices if notice.people else ():
        tell(notice)


def notify(
    users: Iterable[User],
    text: str,
    *,
    item: Any = None,
    kind: str = "notice",
    sender: User | None = None,
    group: str = "",
) -> None:
    """Tell each of the users once, as they chose to be told; the arguments are those of `Notice`."""
    people = tuple({user.pk: user for user in users}.values())
    _hand_out(Notice(people, spoken(text), item, kind, sender, group))


def mail(user: User, subject: str, text: str) -> None:
    """A mail to one of ours that is no matter of choice: the password, the day that was asked for."""
    _hand_out(Notice((user,), text, kind="mail", subject=subject))
