"""A real server on loopback in the place of the world outside."""

from email import message_from_bytes

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


@pytest.fixture
def mailbox(world, inbox):
    world.email.transport = "smtp"
    world.email.settings = {"host": "127.0.0.1", "port": inbox.port, "security": "none", "user": ""}
    world.email.sender = "Dębowy Dom <shop@example.com>"
    world.email.save()
    return inbox
