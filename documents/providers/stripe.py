"""Card payments by Stripe Checkout, through its own SDK. What a webhook claims is asked for again before it counts."""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.ground import characters
from crm.ground.sentences import said
from documents.providers.base import Forged, Money, Opened, Provider, ProviderError, providers

TIMEOUT = 10  # seconds
# docs.stripe.com/currencies: currencies without, and with three, decimals; all others have two.
WHOLE = {
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
}  # fmt: skip
THREE = {"BHD", "JOD", "KWD", "OMR", "TND"}
ID = re.compile(r"[a-z]+_\w{1,200}", re.ASCII)
PAID = ("checkout.session.completed", "checkout.session.async_payment_succeeded")

log = logging.getLogger("dealwright.payments")


@providers.register
class Stripe(Provider):
    key = "stripe"
    label = "Stripe"
    secrets = ("secret_key", "signing_secret")

    class Settings(forms.Form):
        secret_key = forms.RegexField(
            r"^(sk|rk)_\w{8,250}$",
            label=gettext_lazy("secret key"),
            required=False,
            widget=forms.PasswordInput,
            help_text=gettext_lazy("It begins with sk_ or rk_."),
        )
        signing_secret = forms.RegexField(
            r"^whsec_[\w+/=]{8,250}$",
            label=gettext_lazy("signing secret of the webhook"),
            required=False,
            widget=forms.PasswordInput,
            help_text=gettext_lazy("It begins with whsec_."),
        )

    def fault(self) -> str:
        if not self.settings.get("secret_key"):
            return str(_("The secret key is missing."))
        if not self.settings.get("signing_secret"):
            return str(_("The webhook's signing secret is missing; payments would not be heard of."))
        return ""

    def minor_units(self, currency: str) -> int:
        return 1 if currency in WHOLE else 1000 if currency in THREE else 100

    def _client(self) -> Any:
        stripe = _sdk()
        return stripe.StripeClient(
            self.settings.get("secret_key", ""),
            base_addresses={"api": settings.STRIPE_BASE_URL},
            http_client=stripe.RequestsClient(timeout=TIMEOUT),
            max_network_retries=1,
        )

    def open(self, checkout: Any, back_to: str) -> Opened:
        stripe = _sdk()
        price = {
            "currency": checkout.currency.lower(),
            "unit_amount": int(checkout.amount * self.minor_units(checkout.currency)),
            "product_data": {"name": checkout.invoice.title[:200]},
        }
        asked: dict[str, Any] = {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "client_reference_id": str(checkout.pk),
            "success_url": back_to,
            "cancel_url": back_to,
            "payment_intent_data": {"description": checkout.invoice.title[:200]},
        }
        contact = checkout.invoice.contact
        if contact is not None and contact.email():
            asked["customer_email"] = contact.email()
        try:
            made = self._client().v1.checkout.sessions.create(asked, {"idempotency_key": f"checkout-{checkout.key}"})
        except stripe.StripeError as error:
            raise _fault(error) from error
        return Opened(made.id, made.url or "")

    def told(self, body: bytes, headers: dict[str, str]) -> str:
        stripe = _sdk()
        try:
            # The signature alone: a body of no event that is signed is Stripe's all the same.
            stripe.WebhookSignature.verify_header(
                body.decode("utf-8", "replace"),
                headers.get("Stripe-Signature", ""),
                self.settings["signing_secret"],
                stripe.Webhook.DEFAULT_TOLERANCE,
            )
        except stripe.SignatureVerificationError as error:
            raise Forged(str(error)) from error
        try:
            event = characters.read_json(body)
            found = event["data"]["object"]
            named = ""
            if event["type"] in PAID:
                named = found["id"]
            elif event["type"] in ("charge.refunded", "refund.updated", "refund.created"):
                named = found["payment_intent"] or ""
            if not named or ID.fullmatch(named):
                return str(named)
        except (KeyError, TypeError, AttributeError, ValueError):
            pass
        # Signed, so it is Stripe's: asked again it would say the same for three days.
        log.warning("a signed call of Stripe is no event that we know: %s", body[:200])
        return ""

    def money(self, about: str) -> list[Money]:
        stripe = _sdk()
        client = self._client()
        try:
            if about.startswith("cs_"):
                session = client.v1.checkout.sessions.retrieve(about)
                if session.payment_status != "paid":
                    return []
                key = f"stripe:{session.payment_intent or session.id}"
                return [Money(key, session.id, session.amount_total or 0, (session.currency or "").upper())]
            refunds = client.v1.refunds.list({"payment_intent": about, "limit": 100})
            sessions = client.v1.checkout.sessions.list({"payment_intent": about, "limit": 1})
        except stripe.StripeError as error:
            raise _fault(error) from error
        owner = next((session.id for session in sessions.data), "")
        return [
            Money(f"stripe:{refund.id}", owner, refund.amount, refund.currency.upper(), back=True)
            for refund in refunds.data
            if refund.status == "succeeded"
        ]


@cache
def _sdk() -> Any:
    """Imported late: it weighs much, and most installations never load it."""
    import stripe

    return stripe


def _fault(error: Any) -> ProviderError:
    stripe = _sdk()
    words = error.user_message or str(error) or type(error).__name__
    later = isinstance(error, stripe.APIConnectionError | stripe.RateLimitError | stripe.AuthenticationError)
    later = later or (error.http_status or 0) >= 500
    return ProviderError(said("stripe", "Stripe: %s") % words[:300], permanent=not later)
