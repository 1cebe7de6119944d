"""Real mail servers on loopback: SMTP that keeps what it gets, IMAP with one account."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from imaplib import IMAP4
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from tests.servers import free_port


class Inbox:
    """What a mail server got; `answer` is what it says."""

    port: int

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content))
        return self.answer

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if "nobody" in address:
            return "550 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@contextmanager
def smtp_server() -> Iterator[Inbox]:
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    handler.port = controller.port
    try:
        yield handler
    finally:
        controller.stop()


class Imap:
    """One account of a real IMAP server, and a client that puts mails into it."""

    user, password = "anna", "geheim"

    def __init__(self, port: int) -> None:
        self.port = port

    def put(self, *mails: Any) -> None:
        with IMAP4("127.0.0.1", self.port, timeout=10) as client:
            client.login(self.user, self.password)
            for mail in mails:
                client.append("INBOX", "", "", mail if isinstance(mail, bytes) else mail.as_bytes())


@contextmanager
def imap_server() -> Iterator[Imap]:
    port = free_port()
    pymap = str(Path(sys.executable).with_name("pymap"))
    own = ["--host", "127.0.0.1", "--port", str(port), "--no-service", "admin"]
    account = ["dict", "--demo-user", Imap.user, "--demo-password", Imap.password]
    process = subprocess.Popen([pymap, *own, *account], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield Imap(port)
    finally:
        process.terminate()
        process.wait(10)
