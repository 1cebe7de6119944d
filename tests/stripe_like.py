"""In Stripe's place on loopback: sessions that can be paid and refunded, webhooks signed as Stripe signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.world_server import World, server

SECRET = "whsec_0123456789abcdef"


class StripeLike:
    def __init__(self, world: World) -> None:
        self.world = world
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        world.answer = self.answer

    @property
    def url(self) -> str:
        return f"http://{self.world.host}"

    def answer(self, call: dict[str, Any]) -> tuple[int, bytes, dict[str, str], float]:
        parts = urlsplit(call["path"])
        asked = parse_qs(parts.query or call["body"].decode())
        if parts.path == "/v1/checkout/sessions" and call["method"] == "POST":
            return self._json(self._opened(asked))
        if parts.path == "/v1/checkout/sessions":
            wanted = asked["payment_intent"][0]
            found = [one for one in self.sessions.values() if one["payment_intent"] == wanted]
            return self._json({"object": "list", "data": found, "has_more": False})
        if parts.path.startswith("/v1/checkout/sessions/"):
            return self._json(self.sessions[parts.path.rsplit("/", 1)[1]])
        if parts.path == "/v1/refunds":
            found = [one for one in self.refunds if one["payment_intent"] == asked["payment_intent"][0]]
            return self._json({"object": "list", "data": found, "has_more": False})
        return 404, b'{"error": {"message": "no such address"}}', {}, 0

    def _json(self, data: Any) -> tuple[int, bytes, dict[str, str], float]:
        return 200, json.dumps(data).encode(), {"Content-Type": "application/json"}, 0

    def _opened(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        number = len(self.sessions) + 1
        price = "line_items[0][price_data]"
        self.sessions[f"cs_test_{number}"] = made = {
            "id": f"cs_test_{number}",
            "object": "checkout.session",
            "url": f"{self.url}/pay/{number}",
            "payment_status": "unpaid",
            "payment_intent": None,
            "amount_total": int(asked[f"{price}[unit_amount]"][0]),
            "currency": asked[f"{price}[currency]"][0],
            "asked": {name: values[0] for name, values in asked.items()},
        }
        return made

    def pay(self, session: str, **odd: Any) -> tuple[bytes, dict[str, str]]:
        """The customer pays; returns the webhook that tells it: (body, headers)."""
        made = self.sessions[session]
        made |= {"payment_status": "paid", "payment_intent": f"pi_{session}", **odd}
        return self.call("checkout.session.completed", made)

    def refund(self, session: str, amount: int) -> tuple[bytes, dict[str, str]]:
        made = self.sessions[session]
        self.refunds.append(
            {
                "id": f"re_{len(self.refunds) + 1}",
                "object": "refund",
                "amount": amount,
                "currency": made["currency"],
                "payment_intent": made["payment_intent"],
                "status": "succeeded",
            }
        )
        return self.call(
            "charge.refunded", {"id": "ch_1", "object": "charge", "payment_intent": made["payment_intent"]}
        )

    def call(self, kind: str, about: dict[str, Any], age: int = 0) -> tuple[bytes, dict[str, str]]:
        event = {"id": "evt_1", "object": "event", "type": kind, "data": {"object": about}}
        return self.signed(json.dumps(event).encode(), age)

    @staticmethod
    def signed(body: bytes, age: int = 0) -> tuple[bytes, dict[str, str]]:
        at = int(time.time()) - age
        signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return body, {"Stripe-Signature": f"t={at},v1={signature}"}


@contextmanager
def stripe_like() -> Iterator[StripeLike]:
    with server() as world:
        yield StripeLike(world)
