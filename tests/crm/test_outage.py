"""When the machine room is not well: the database away, the disk full."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from crm.frame.outage import broken
from crm.ground import databases


def away(request: HttpRequest) -> HttpResponse:
    raise OperationalError("the server closed the connection")


def wrong(request: HttpRequest) -> HttpResponse:
    raise ValueError("a fault of ours")


urlpatterns = [path("away/", away), path("api/away/", away), path("wrong/", wrong)]
handler500 = broken


@pytest.fixture
def bare() -> Iterator[Client]:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        yield Client(raise_request_exception=False)


def test_a_database_that_is_away_is_a_503_that_says_when_to_come_again(bare):
    page, answer = bare.get("/away/"), bare.get("/api/away/")
    assert (page.status_code, page["Retry-After"]) == (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "does not answer" in page.content.decode()
    assert answer.json()["error"]["code"] == "unavailable"
    assert bare.get("/wrong/").status_code == 500


def test_healthz_says_that_the_disk_is_full(world, client, settings, monkeypatch):
    from crm.frame import health

    assert all(not line.fault for line in health.disk_has_room())
    monkeypatch.setattr(health, "LEAST_FREE", 10**18)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert any("The disk is full" in fault for fault in answer.json()["faults"])


@pytest.mark.django_db(transaction=True)
def test_what_leaves_the_house_is_on_the_disk_before_it_leaves():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL writes every commit to the disk")
    with connection.cursor() as cursor:
        with databases.durable():
            assert cursor.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        assert cursor.execute("PRAGMA synchronous").fetchone()[0] == 1  # NORMAL
