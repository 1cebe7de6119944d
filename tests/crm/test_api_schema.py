"""schemathesis: generated requests against every operation, as administrator and as sales; all of its checks."""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from ninja import Schema

from automation.remote.models import App
from crm.api.models import SCOPES
from crm.models import ApiToken

# `SCHEMA_EXAMPLES=200 pytest tests/crm/test_api_schema.py` looks harder.
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "8"))
SCHEMA = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler())
# A request may fit the schema and name a record that does not exist, a cursor of nobody, a number nobody has.
SCHEMA.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "400", "403", "404", "409", "410", "422"]
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]


@pytest.fixture
def one_connection() -> Any:
    """A request of a real server gives its connection back; in a test that would end the test's transaction."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("who", ["alice", "bob"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_every_operation_keeps_its_word(operation: Any, who: str, world: Any, settings: Any) -> None:
    settings.API_REQUESTS_A_MINUTE = 10**9
    for stage in ("new", "talk"):
        world.rule(stage)
        world.deal(stage=stage)
    _row, text = ApiToken.make(getattr(world, who), "schemathesis", list(SCOPES))
    if operation.path.startswith("/api/v1/app/") or operation.path == "/api/v1/app":  # what an app itself says
        app = App(key="schemathesis", names={"en": "Schemathesis"})
        text = app.new_token()
        app.save()

    @given(case=operation.as_strategy())
    @_settings
    def check(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {text}", "Accept-Encoding": "identity"})

    check()


_settings = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
)


# What a program writes and reads back under another name, or only says while writing.
WRITTEN_ONLY = {"pin_planned"}


def test_what_a_program_may_change_it_can_read() -> None:
    schemas: dict[str, Any] = SCHEMA.raw_schema["components"]["schemas"]
    changes = [name for name in schemas if name.endswith("Change")]
    assert len(changes) > 5
    for name in changes:
        told = schemas[name.removesuffix("Change") + "Out"]["properties"]
        assert set(schemas[name]["properties"]) - WRITTEN_ONLY <= set(told), name


def test_no_two_shapes_have_one_name() -> None:
    """The document would show one of them for both."""

    def below(cls: type) -> Any:
        for one in cls.__subclasses__():
            yield one
            yield from below(one)

    found: dict[str, set[str]] = {}
    for one in below(Schema):
        if one.__module__.split(".")[0] in ("crm", "automation", "documents") and "[" not in one.__name__:
            found.setdefault(one.__name__, set()).add(one.__module__)
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
