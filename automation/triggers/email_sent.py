"""Track e-mail to customer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import TriggerType, trigger_types
from crm.models import Event, Item


@trigger_types.register
class EmailSent(TriggerType):
    key = "email_sent"
    label = _("E-mail sent to the customer")
    synonyms = _("outgoing mail, we write")
    example = _("A colleague has sent the offer: to “Offer sent”.")
    group = "customer"
    icon = "send"
    help = _("A colleague sends a mail from the card; what rules send does not count.")
    events = ("email.sent",)

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return event.actor_id is not None and not event.automatic
