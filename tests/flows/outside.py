"""The world around a stack: SMTP, IMAP, Twilio's and Stripe's places, all real servers on loopback."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import EmailMessage, Message
from typing import Any
from urllib.parse import parse_qs

from tests.stripe_like import SECRET, StripeLike, stripe_like
from tests.world_mail import Imap, Inbox, imap_server, smtp_server
from tests.world_server import World, server

# Run once in the stack: its channels talk to the servers of this test instead of the outbox.
SET_UP = """
from crm.ground import vault
from crm.models import Channel, Mailbox
from documents.models import PaymentAccount
mail = Channel.objects.get(medium="email")
mail.transport, mail.settings = "smtp", {{"host": "127.0.0.1", "port": {smtp}, "security": "none", "user": ""}}
mail.save()
sms = Channel.objects.get(medium="sms")
sms.transport, sms.settings, sms.sender = "twilio", {{"account_sid": "AC" + "0" * 32}}, "+48732145888"
sms.secret = vault.lock({{"auth_token": "{token}"}})
sms.save()
Mailbox.objects.create(name="Shop", channel=mail, host="127.0.0.1", port={imap}, security="none",
    user="{user}", secret=vault.lock({{"password": "{password}"}}))
PaymentAccount.objects.create(name="Cards", provider="stripe",
    secret=vault.lock({{"secret_key": "sk_test_12345678", "signing_secret": "{secret}"}}))
"""


@dataclass
class Outside:
    inbox: Inbox
    imap: Imap
    twilio: World
    stripe: StripeLike

    @property
    def environment(self) -> dict[str, str]:
        return {"TWILIO_BASE_URL": f"http://{self.twilio.host}", "STRIPE_BASE_URL": self.stripe.url}

    def set_up(self) -> str:
        return SET_UP.format(
            smtp=self.inbox.port,
            imap=self.imap.port,
            user=Imap.user,
            password=Imap.password,
            token="0" * 32,
            secret=SECRET,
        )

    def texts_to(self, number: str) -> list[str]:
        """SMS that left for a number (E.164)."""
        sent = [parse_qs(call["body"].decode()) for call in self.twilio.calls]
        return [one["Body"][0] for one in sent if one["To"][0] == number]

    def mail_to(self, address: str) -> Message:
        """The newest mail that left for an address."""
        return [mail for mail in self.inbox.mails if mail["To"] == address][-1]

    def answer(self, mail: Message, sender: str, text: str) -> None:
        """The customer answers; it lies in the shop's mailbox."""
        made = EmailMessage()
        made["From"], made["To"], made["Subject"] = sender, "shop@example.com", f"Re: {mail['Subject']}"
        made["Message-ID"], made["In-Reply-To"] = (
            f"<{len(self.inbox.mails)}@theirs.example>",
            mail["Message-ID"].strip(),
        )
        made.set_content(text)
        self.imap.put(made)

    def pays_at(self, url: str) -> None:
        """What the provider does when somebody pays on its page: it tells the stack, and leads the customer back."""

        def answer(call: dict[str, Any]) -> tuple[int, bytes, dict[str, str], float]:
            if not call["path"].startswith("/pay/"):
                return self.stripe.answer(call)
            session = f"cs_test_{call['path'].rsplit('/', 1)[1]}"
            if call["method"] == "GET":
                page = b"<!doctype html><title>Pay</title><link rel=icon href=data:,><form method=post><button>Pay</button></form>"
                return 200, page, {"Content-Type": "text/html"}, 0
            body, headers = self.stripe.pay(session)
            threading.Thread(target=_tell, args=(f"{url}/payments/provider/1/", body, headers), daemon=True).start()
            return 303, b"", {"Location": self.stripe.sessions[session]["asked"]["success_url"]}, 0

        self.stripe.world.answer = answer


def _tell(url: str, body: bytes, headers: dict[str, str]) -> None:
    urllib.request.urlopen(
        urllib.request.Request(url, body, headers | {"Content-Type": "application/json"}), timeout=20
    )


@contextmanager
def outside_world() -> Iterator[Outside]:
    with ExitStack() as stack:
        made = Outside(
            stack.enter_context(smtp_server()),
            stack.enter_context(imap_server()),
            stack.enter_context(server()),
            stack.enter_context(stripe_like()),
        )
        made.twilio.answer = (201, json.dumps({"sid": "SM1", "status": "queued"}).encode(), {}, 0)
        yield made
