"""What a transport is: all that an author of one reads."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from crm.registry import Registry

if TYPE_CHECKING:
    from crm.messages.models.messages import Channel, Message


class TransportError(Exception):
    """The provider refused or did not answer.

    Args:
        permanent: it will never take this message (bad number, refused); else it is tried again.
        retry_after: seconds the provider asked us to wait.
        sent: the message may have left (the connection broke after the text was handed over).
    """

    def __init__(
        self, sentence: str, *, permanent: bool = False, retry_after: float | None = None, sent: bool = False
    ) -> None:
        super().__init__(sentence)
        self.permanent, self.retry_after, self.sent = permanent, retry_after, sent


class NotAnswerable(TransportError):
    """Whether a message left cannot be found out: nobody knows, and it is never repeated blindly."""


class Transport:
    """One way to hand a message over.

    Attributes:
        media: which media it carries ("email", "sms").
        keyed: the provider takes an idempotency key, so that a repeat after a crash is safe. Without it a crash
            between sending and its outcome ends as *unknown* and is never repeated blindly.
        lists: the provider can be asked what it has taken (`find`), so that an open end is settled by its answer.
        Settings: a Django form of what the administrator sets; `secrets` names its write-only fields.
    """

    key: ClassVar[str] = ""
    label: ClassVar[Any] = ""
    media: ClassVar[tuple[str, ...]] = ()
    keyed: ClassVar[bool] = False
    lists: ClassVar[bool] = False
    secrets: ClassVar[tuple[str, ...]] = ()

    class Settings(forms.Form):
        pass

    def __init__(self, channel: Channel, settings: dict[str, Any]) -> None:
        self.channel, self.settings = channel, settings

    @classmethod
    def addresses(cls, channel: Channel) -> list[tuple[str, str]]:
        """Addresses of ours that the provider has to be given: (what it tells there, address)."""
        return []

    def fault(self) -> str:
        """What keeps the channel from working, in words; shown on the health page while the channel is on."""
        return ""

    def send(self, message: Message) -> str:
        """Hand the message over; returns the provider's id ("" if it has none). Raises TransportError."""
        raise NotImplementedError

    def find(self, message: Message, since: datetime) -> str:
        """Whether the provider took the message since then: its id there, or empty. Raises TransportError.

        Args:
            since: aware; when its sending began.
        """
        raise NotImplementedError


transports: Registry[Transport] = Registry("transports", Transport, ("key", "label", "media"))
