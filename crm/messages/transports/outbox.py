"""The embedded default: nothing leaves the house; messages are read in the browser under *Outbox*."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.messages.transports.base import Transport, transports


@transports.register
class Outbox(Transport):
    key = "outbox"
    label = _("Outbox (nothing leaves the house)")
    media = ("email", "sms")
    keyed = True  # the Message row itself is the delivery

    def send(self, message: Any) -> str:
        return f"outbox-{message.public_id.hex}"
