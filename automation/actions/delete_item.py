"""Delete item: to the recycle bin."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import EDIT, Action, ActionError, Context, Done, Outcome, actions
from crm.models import Refused


@actions.register
class DeleteItem(Action):
    key = "delete_item"
    label = _("Delete item")
    synonyms = _("remove, bin, trash")
    example = _("Spam goes to the recycle bin by itself.")
    group = "item"
    icon = "trash"
    drastic = True
    help = _("To the recycle bin, from where it can be restored. What else was planned for it is cancelled.")
    alone = True

    def run(self, context: Context) -> Outcome:
        try:
            context.item.delete_softly(by=context.rights, cause=context.cause)
        except Refused as refusal:
            raise ActionError(refusal.sentence) from refusal
        return Done()

    def leaves(self, settings: dict[str, Any]) -> bool:
        return True

    def needs(self, settings: dict[str, Any]) -> list[tuple[str, int | None]]:
        return [EDIT, ("delete", None)]
