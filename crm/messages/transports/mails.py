"""What both ways to send a mail share."""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMultiAlternatives

from crm.ground.sentences import said
from crm.messages.mail.composing import email_of
from crm.messages.transports.base import TransportError


def put_together(message: Any, connection: Any) -> EmailMultiAlternatives:
    """The mail, before anything leaves. Raises TransportError, permanent, where a file of it is gone."""
    try:
        return email_of(message, connection)
    except (OSError, ValueError) as error:
        raise TransportError(
            said("mail.not_composed", "The mail cannot be put together: %s") % str(error)[:200], permanent=True
        ) from error
