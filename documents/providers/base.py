"""What a payment provider is: all that an author of one reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.registry import Registry

if TYPE_CHECKING:
    from documents.models import Checkout, PaymentAccount


class ProviderError(Exception):
    """The provider refused or did not answer; the sentence says which. `permanent`: it will never work."""

    def __init__(self, sentence: str, *, permanent: bool = False) -> None:
        super().__init__(sentence)
        self.permanent = permanent


class Forged(Exception):
    """A call that claims to be the provider's, and is not, or is too old."""


@dataclass(frozen=True)
class Opened:
    """A page of the provider's on which the customer pays."""

    provider_id: str
    url: str


@dataclass(frozen=True)
class Money:
    """What the provider says, asked anew: money that came, or went back. `amount` in minor units, as it counts."""

    key: str
    checkout_id: str
    amount: int
    currency: str
    back: bool = False


class Provider:
    """One payment provider.

    Attributes:
        Settings: a Django form of what the administrator sets; `secrets` names its write-only fields.
    """

    key: ClassVar[str] = ""
    label: ClassVar[Any] = ""
    secrets: ClassVar[tuple[str, ...]] = ()

    class Settings(forms.Form):
        pass

    def __init__(self, account: PaymentAccount, settings: dict[str, Any]) -> None:
        self.account, self.settings = account, settings

    @classmethod
    def addresses(cls, account: PaymentAccount) -> list[tuple[str, str]]:
        """Addresses of ours that the provider has to be given: (what it tells there, address)."""
        return [
            (_("Address for its webhook"), settings.PUBLIC_URL + reverse("provider-call", args=[account.pk])),
        ]

    def fault(self) -> str:
        """What keeps the account from working, in words."""
        return ""

    def minor_units(self, currency: str) -> int:
        """How many of its smallest units the provider counts for one of the currency (100, 1, 1000)."""
        raise NotImplementedError

    def open(self, checkout: Checkout, back_to: str) -> Opened:
        """A page to pay on. `back_to`: where the customer comes back to. Raises ProviderError."""
        raise NotImplementedError

    def told(self, body: bytes, headers: dict[str, str]) -> str:
        """The id of what a call is about, for `money`; empty for one that does not matter. Raises Forged."""
        raise NotImplementedError

    def money(self, about: str) -> list[Money]:
        """What has come or gone back, as the provider says when asked. Raises ProviderError."""
        raise NotImplementedError


providers: Registry[Provider] = Registry("providers", Provider)
