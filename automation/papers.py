"""The paper that an action takes along: the card's newest one."""

from __future__ import annotations

from typing import Any

from automation.base import ActionError
from crm import slots
from crm.ground.sentences import said
from crm.models import Item


def newest_paper(item: Item) -> Any:
    """Its file (crm.messages.mail.composing.NewFile). Raises ActionError where there is none, or it cannot be read."""
    newest = next((paper for make in slots.mail_papers for paper in make(item, None)), None)
    if newest is None:
        raise ActionError(said("paper.none", "The card has no paper that could go along."))
    try:
        return newest.read()
    except OSError as error:
        words = said("paper.unreadable", "The file of a paper cannot be read; please make it again.")
        raise ActionError(words) from error
