"""A real server on loopback in the place of the world outside."""

import pytest

from tests.world_server import server


@pytest.fixture
def outside(settings):
    with server() as world:
        settings.SAFE_HTTP_HOSTS = [world.host]
        yield world
