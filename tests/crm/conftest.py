"""A real server on loopback in the place of the world outside."""

import socket
import subprocess
import sys
import time
from email import message_from_bytes
from imaplib import IMAP4
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.servers import free_port
from tests.world_server import server


@pytest.fixture
def outside(settings):
    with server() as world:
        settings.SAFE_HTTP_HOSTS = [world.host]
        yield world


class Inbox:
    """What a mail server got; `answer` is what it says."""

    def __init__(self):
        self.mails, self.answer = [], "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content))
        return self.answer

    async def handle_RCPT(self, server, session, envelope, address, options):
        if "nobody" in address:
            return "550 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def inbox():
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    handler.port = controller.port
    yield handler
    controller.stop()


class Imap:
    """A real IMAP server with one account, and a client that puts mails into it."""

    user, password = "anna", "geheim"

    def __init__(self, port):
        self.port = port

    def client(self):
        client = IMAP4("127.0.0.1", self.port, timeout=10)
        client.login(self.user, self.password)
        return client

    def put(self, *mails):
        with self.client() as client:
            for mail in mails:
                client.append("INBOX", None, None, mail if isinstance(mail, bytes) else mail.as_bytes())


@pytest.fixture(scope="session")
def imap_server():
    port = free_port()
    pymap = str(Path(sys.executable).with_name("pymap"))
    own = ["--host", "127.0.0.1", "--port", str(port), "--no-service", "admin"]
    account = ["dict", "--demo-user", Imap.user, "--demo-password", Imap.password]
    process = subprocess.Popen([pymap, *own, *account], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture
def imap(imap_server):
    return Imap(imap_server)


@pytest.fixture
def mailbox(world, inbox):
    world.email.transport = "smtp"
    world.email.settings = {"host": "127.0.0.1", "port": inbox.port, "security": "none", "user": ""}
    world.email.sender = "Dębowy Dom <shop@example.com>"
    world.email.save()
    return inbox
