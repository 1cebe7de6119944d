"""Real servers on loopback in the place of the world outside."""

import pytest

from tests import world_mail
from tests.world_server import server


@pytest.fixture
def outside(settings):
    with server() as world:
        settings.SAFE_HTTP_HOSTS = [world.host]
        yield world


@pytest.fixture
def inbox():
    with world_mail.smtp_server() as made:
        yield made


@pytest.fixture(scope="session")
def imap():
    with world_mail.imap_server() as made:
        yield made


@pytest.fixture
def mailbox(world, inbox):
    world.email.transport = "smtp"
    world.email.settings = {"host": "127.0.0.1", "port": inbox.port, "security": "none", "user": ""}
    world.email.sender = "Dębowy Dom <shop@example.com>"
    world.email.save()
    return inbox
