"""The guide for strangers: its examples run from the page, and every door stands in it. The guest app shows each at work."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from automation.base import actions, trigger_types
from automation.checking import checks
from crm import slots
from crm.events import kinds as event_kinds
from crm.fields import field_types
from crm.messages.transports.base import transports
from crm.slots import Slot
from crm.work import queue
from documents.providers.base import providers

pytestmark = pytest.mark.django_db
DOCS = Path(settings.BASE_DIR) / "docs"
PAGE = (DOCS / "extending.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
REGISTRIES = (actions, trigger_types, checks, transports, field_types, providers)
SLOTS = {name: value for name, value in vars(slots).items() if isinstance(value, Slot)}


@pytest.fixture
def untouched():
    """Whatever registers is taken back."""
    before = {name: list(slot) for name, slot in SLOTS.items()}
    known, kinds, again = dict(event_kinds._kinds), dict(queue._kinds), list(queue._recurring)
    with ExitStack() as stack:
        for registry in REGISTRIES:
            stack.enter_context(registry.temporarily())
        yield
    for name, slot in SLOTS.items():
        slot[:] = before[name]
    event_kinds._kinds = known
    queue._kinds, queue._recurring[:] = kinds, again


@pytest.mark.parametrize("place", range(len(EXAMPLES)))
def test_an_example_of_the_guide_runs_as_it_stands_there(untouched, place):
    exec(compile(EXAMPLES[place], f"extending.md, example {place + 1}", "exec"), {"__name__": "yourapp.crm_plugin"})


def test_every_slot_and_registry_stands_in_the_guide_with_an_example():
    code = "\n".join(EXAMPLES)
    for name in SLOTS:
        assert f"slots.{name}" in code or f"Worker` in the *{name}*" in PAGE, name
        assert f"*{name}*" in PAGE, name
        assert re.search(rf"^{name} ", slots.__doc__, re.M), name
    for registry in ("actions", "trigger_types", "checks", "transports", "field_types", "providers"):
        assert f"@{registry}.register" in code, registry


# ---------------------------------------------------------------------- every path of the documents exists


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_every_path_that_a_page_names_is_there(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:crm|automation|documents|tests|bench|templates|static)/[\w./*-]+)`", text))
    for name in named:
        found = list(Path(settings.BASE_DIR).glob(name.rstrip("/")))
        assert found, f"{page}: {name}"


def test_every_variable_of_the_environment_stands_in_the_table_and_none_else():
    source = (Path(settings.BASE_DIR) / "crm" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'os\.environ\.get\("([A-Z_]+)"', source))
    table = set(re.findall(r"^\| `([A-Z_]+)`", (DOCS / "operating.md").read_text(encoding="utf-8"), re.M))
    assert read == table


# ---------------------------------------------------------------------- the guest app


def test_the_guest_app_has_a_page_a_menu_entry_a_badge_and_a_line_of_health(world, client):
    deal = world.deal("Knock knock")
    client.force_login(world.bob)
    assert client.get("/guests/").content.decode() == "1 guest"
    board = client.get(f"/board/{world.pipeline.pk}/").content.decode()
    assert "Someone at the door" in board
    assert 'href="/guests/"' in board
    assert "guests" in client.get("/healthz").content.decode()
    assert client.get(f"/items/{deal.pk}/").status_code == 200
    client.logout()
    assert client.get("/guests/").status_code == 302


@override_settings(ROOT_URLCONF="crm.urls")
def test_the_guests_page_is_no_strangers_page(world, client):
    assert client.get("/guests/").status_code == 302
